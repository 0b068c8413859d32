"""What is taken out of the log for others to read: account statements, events, the double entry.

May import `verify` and `log`.
Begin at `statements.py`; `files.py` writes its rows.
"""
