"""Schema `auth` of PostgreSQL: what the API stores and no log can give back."""
