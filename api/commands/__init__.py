"""Commands: how one is sent and answered, and what became of it."""
