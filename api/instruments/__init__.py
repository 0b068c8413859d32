"""Instruments: what may be traded.

Imports `dispatch` and what is below it, no other noun. Begin with `service.all_of`.
"""
