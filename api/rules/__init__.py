"""Rules: which version is in force, and how the next one is activated.

May import `dispatch` and what is below it, no other noun. Begin with `service.activate`.
"""
