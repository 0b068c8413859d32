"""Statements: the ledger of a period, with the balances at its ends.

Imports `accounts`, whose lines it has, and what is below the nouns. Begin with `service.py`.
"""
