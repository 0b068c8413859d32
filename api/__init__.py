"""The exchange over HTTP: commands into the log, their outcomes back, and what PostgreSQL holds of the caller's."""
