"""Why a position was closed, what an event was, and what the ledger was at a moment: in words and sums.

May import `verify` and `log`.
Begin at `explain.py`, or `ledger_at.py` for the ledger at a moment.
"""
