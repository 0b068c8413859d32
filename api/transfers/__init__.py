"""Transfers: money that comes in and goes out, by administrators and at users' wish.

May import `dispatch` and what is below it, no other noun. Begin with `service.request`.
"""
