"""Orders: how a position is opened.

Imports `dispatch` and what is below it, no other noun. Begin with `service.place`.
"""
