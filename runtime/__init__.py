"""What the services share: settings, logging, Kafka clients, topics, status pages, secrets.

It may import schemas, and no other package.
Begin with settings.py; kafka.py holds the options of every Kafka client.
"""
