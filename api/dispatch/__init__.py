"""A command from its request to its answer, whichever noun it is about; and that a caller reads their own writes.

May import `auth` and what is below it, never a noun. Begin with `Dispatcher.execute`; `outcome_lookup.py` says where
an outcome is found.
"""
