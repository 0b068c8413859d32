"""The exchange over HTTP: commands go into the log, their outcomes come back, and PostgreSQL holds what a caller reads.

Layers, lowest first: http, credentials, store, log, app_state, auth, dispatch, a folder per noun, stream, compat,
document, app, main; each imports only those before it. Begin with `orders/endpoints.py` and follow `POST /orders`.
"""
