"""The outside venue: a user's keys of it, and their orders and positions there.

May import `dispatch` and what is below it, no other noun. Begin with `service.place`; `keys.py` stores keys.
"""
