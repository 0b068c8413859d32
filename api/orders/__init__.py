"""Orders: how a position is opened.

May import `dispatch` and what is below it, no other noun. Begin with `service.place`.
"""
