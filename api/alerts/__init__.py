"""Price alerts: a user is notified once when a market's mid reaches a price.

May import `dispatch` and what is below it, no other noun. Begin with `service.create`.
"""
