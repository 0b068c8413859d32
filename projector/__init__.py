"""Events into PostgreSQL: the tables, who fills them, and the questions they answer.

Imports runtime and schemas. Lowest first: `tables`, then `write` and `queries`, which do not know each other.
Begin at `main.py`; an event becomes rows in `write/rows.py`.
"""
