"""Price alerts: told once when a market's mid reaches a price.

Imports `dispatch` and what is below it, no other noun. Begin with `service.create`.
"""
