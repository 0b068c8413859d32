"""The account: what it holds and what that is worth, and every fill, ledger line and event of it.

May import `dispatch` and what is below it, no other noun. Begin with `service.find`.
"""
