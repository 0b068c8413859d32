"""A leveraged exchange whose whole ledger can be replayed from a Kafka log."""
