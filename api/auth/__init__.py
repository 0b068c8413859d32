"""Who is calling, what they may, and how many requests they have left.

May import `app_state` and what is below it.
Begin with `caller.py`: `Caller`, `InPerson`, `Administrator` and `AdminReader`.
"""
