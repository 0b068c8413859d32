"""How a ledger becomes a snapshot in the log, and a snapshot in the log a ledger again.

It may import the core, what services share, and the language; never the shell. Begin with `schedule.py`, which takes a
snapshot from its first page to its place in the topic; the way back begins with `load.py`.
"""
