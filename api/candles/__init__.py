"""Candles: the mid over intervals of log time.

May import `dispatch` and what is below it, no other noun. Begin with `service.page`.
"""
