"""Alembic's environment for schema `auth`."""
