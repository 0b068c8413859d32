"""How fast the exchange is, measured."""
