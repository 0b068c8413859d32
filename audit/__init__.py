"""Whether the log proves the books: reads only, and believes neither the engine nor the tables.

May import the core and the snapshots of the engine, never its shell; the projector's tables and rows; runtime, schemas.
Lowest first: `log` and `digits`, then `verify`, then `explain` and `export`. Begin at `verify/verify.py`.
"""
