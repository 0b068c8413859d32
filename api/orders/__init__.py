"""Orders: how a position is opened."""
