"""How events become rows: read from Kafka, checked, turned into rows, and written in one transaction a batch.

May import `tables` and `database`, nothing of `queries`.
Begin at `projection.py`, the loop; `rows.py` says which rows follow from an event.
"""
