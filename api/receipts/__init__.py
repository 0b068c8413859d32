"""Receipts: why a position was closed."""
