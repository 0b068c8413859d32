"""What every request passes, whoever sends it: limits, exact numbers, problems, metrics, and how values are written.

May import nothing of the API. Begin with `problems.py`: every error there is.
"""
