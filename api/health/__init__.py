"""Health: whether the API lives, and whether it does its work."""
