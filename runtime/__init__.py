"""What the services share: settings, logging, Kafka clients, topics, pages."""
