"""Orders of users with stored keys at an outside venue, Binance's testnet: no part of the ledger.

It may import runtime and schemas, and no other package.
Begin with order_executor.py, how one order is executed once; worker.py runs it for all.
"""
