"""Statements: the ledger of a period, to keep."""
