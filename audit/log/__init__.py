"""The log that is audited, live or exported: how it is read, copied to a folder and back, and compared with another.

May import nothing of the rest of the audit.
Begin at `log_reader.py`, which `cluster.py` and `folder.py` implement.
"""
