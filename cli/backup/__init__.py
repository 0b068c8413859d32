"""How an instance becomes one file while it runs, and a file an instance.

May import all but the other commands. `file.py` has the format, `database.py` and `venue_log.py` what the ledger's log
does not have. Begin at `making.py`.
"""
