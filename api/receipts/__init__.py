"""Receipts: why a position was closed, and what it paid.

May import `dispatch` and what is below it, no other noun. Begin with `service.find`.
"""
