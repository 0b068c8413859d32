"""API keys: how one is made, listed and revoked.

May import `dispatch` and what is below it, no other noun.
Begin with `service.py`; who a key's signature proves is in `auth/caller.py`.
"""
