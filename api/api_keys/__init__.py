"""API keys: who may call without signing in, and for what."""
