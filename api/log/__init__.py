"""The side of Kafka: commands in, committed events back, and what is remembered of both."""
