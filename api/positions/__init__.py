"""Positions: what is open, what was closed, and how.

May import `dispatch` and what is below it, no other noun.
Begin with `service.close`; `lookup.py` knows the newest of a position.
"""
