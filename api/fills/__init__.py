"""Fills: every execution of the caller's."""
