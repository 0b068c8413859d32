"""Schema `auth` of PostgreSQL: what the API stores and no log can give back, and how requests reach the database.

May import `http` and `credentials`. Begin with `tables.py`; what runs on them is one function a statement.
"""
