"""The ledger: every change of the caller's balance."""
