"""Demo money, in the demo profile only.

Imports `dispatch` and what is below it, no other noun. Begin with `service.deposit`.
"""
