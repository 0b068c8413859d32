"""Orders at an outside venue, Binance's testnet: no part of the ledger, and never mixed into it."""
