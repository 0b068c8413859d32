"""Benches: how fast the core, the engine, the audit, a takeover, a snapshot and the API are, and beside what.

It may import every package but cli; a module without an underscore is a bench, and its `run` is called.
Begin with _workload.py, the commands all of them execute.
"""
