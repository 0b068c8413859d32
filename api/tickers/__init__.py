"""Tickers: each symbol's last price and what it is worth.

Imports `dispatch` and what is below it, no other noun. Begin with `service.ticker_of`.
"""
