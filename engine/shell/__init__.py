"""How the core runs on Kafka, so that each command has its effect once and each event stands in the log once.

It may import the core, the snapshots, what services share, and the language. Begin with `main.py`, which builds and
ends a worker; then `worker.py`, and `shard.py`, which executes commands.
"""
