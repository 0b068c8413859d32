"""Which tables schema `ledger` has.

May import nothing of the projector. `schema.py` lists them all; the migrations make them.
Begin at `ledger_tables.py`.
"""
