"""A command from its request to its answer, whichever noun it is about."""
