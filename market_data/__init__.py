"""Where prices come from, and how they enter the log."""
