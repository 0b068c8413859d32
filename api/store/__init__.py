"""Schema `auth` of PostgreSQL: what the API stores and no log can give back, and how requests reach the database.

Imports `http` and `credentials`. Begin with `tables.py`; what runs on them is one function a statement.
"""
