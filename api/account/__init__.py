"""The account: what it holds, and what that is worth."""
