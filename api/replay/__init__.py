"""The replay of an account: what the audit's own service makes of the log, for whose account it is.

May import `dispatch` and what is below it, no other noun. Begin with `endpoints.py`.
"""
