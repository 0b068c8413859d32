"""Instruments: what may be traded.

May import `dispatch` and what is below it, no other noun. Begin with `service.all_of`.
"""
