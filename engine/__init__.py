"""The exchange: a pure core, and the shell that hosts it."""
