"""What the core would decide of an order that nobody sends: its own code, on a ledger of one account and one market.

The only part of the API that may import the engine, and of that the core alone. May import `http` besides. Begin with
`preview.preview_of`.
"""
