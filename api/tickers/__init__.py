"""Tickers: each symbol's last price and what it is worth.

May import `dispatch` and what is below it, no other noun. Begin with `service.ticker_of`.
"""
