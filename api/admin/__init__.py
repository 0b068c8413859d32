"""Markets for administrators: parameters, exposure, what would be liquidated next, the feed, and what lags.

May import `dispatch` and what is below it, no other noun.
Begin with `service.py` for what is read, `changes.py` for what is changed.
"""
