"""Whether the log proves the books: reads only, and believes neither the engine nor the tables."""
