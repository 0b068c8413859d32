"""Price alerts: tell me once when a market's price gets there."""
