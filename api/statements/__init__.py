"""Statements: the ledger of a period, with the balances at its ends.

May import `accounts`, whose lines it has, and what is below the nouns. Begin with `service.py`.
"""
