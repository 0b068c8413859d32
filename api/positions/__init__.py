"""Positions: what is open, what was closed, and how."""
