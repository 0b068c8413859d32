"""Events into PostgreSQL: the tables, who fills them, and the questions they answer."""
