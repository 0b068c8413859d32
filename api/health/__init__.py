"""Health: whether the API answers, is ready, and what it has counted.

May import `dispatch` and what is below it, no other noun. Begin with `service.readiness`.
"""
