"""Candles: the mid over intervals of log time.

Imports `dispatch` and what is below it, no other noun. Begin with `service.page`.
"""
