"""Benches: how fast the core, the engine, the projector, the audit, a takeover and the API are, and beside what.

It may import every package but cli; a module without an underscore is a bench, and its `run` gives its figures.
Begin with report/targets.py, what they must reach, and _workload.py, the commands most of them execute.
"""
