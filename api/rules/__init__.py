"""Rules: by which version every shard goes on."""
