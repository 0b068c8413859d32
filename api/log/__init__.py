"""The side of Kafka: commands go in, committed events come back, and the last of both are remembered.

May import `store` and what is below it. Begin with `outcomes.py`, the thread that reads events;
`command_producer.py` sends.
"""
