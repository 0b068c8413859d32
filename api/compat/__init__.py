"""What clients of five older systems send and expect, on the same ledger; served in the demo profile only.

May import the nouns, `stream` and what is below them. Begin with `install.py`, then one `seed_…` file.
"""
