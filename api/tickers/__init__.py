"""Tickers: the last price of each symbol, and what it is worth."""
