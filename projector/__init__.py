"""Events into PostgreSQL: the tables, who fills them, and the questions they answer.

May import runtime and schemas. Lowest first: `tables` and `database`, then `write` and `queries`, which do not know
each other, then `migrate`, `rebuild` and `main`.
Begin at `main.py`; an event becomes rows in `write/rows.py`.
"""
