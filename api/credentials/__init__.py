"""What proves who somebody is: passwords, tokens, cookies, signatures, and how often a login may fail.

May import `http` only. Begin with `tokens.py`, or with `signatures.py` for API keys.
"""
