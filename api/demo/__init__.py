"""Demo money, in the demo profile only.

May import `dispatch` and what is below it, no other noun. Begin with `service.deposit`.
"""
