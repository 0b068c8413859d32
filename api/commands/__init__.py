"""Commands: what became of one.

May import `orders` and `positions`, whose shapes its reply has, and `dispatch`. Begin with `service.py`.
"""
