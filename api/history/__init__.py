"""The account's history: every event that is the caller's, in their order."""
