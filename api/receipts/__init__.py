"""Receipts: why a position was closed, and what it paid.

Imports `dispatch` and what is below it, no other noun. Begin with `service.find`.
"""
