"""Users: who registers, signs in, stays signed in, and is deleted.

May import `venue` and what is below the nouns. Begin with `service.py`; `closing.py` closes what the deleted have open.
"""
