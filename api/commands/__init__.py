"""Commands: what became of one.

Imports `orders` and `positions`, whose shapes its reply has, and `dispatch`. Begin with `service.py`.
"""
