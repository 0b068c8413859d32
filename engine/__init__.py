"""The exchange: a pure core, snapshots of its ledger, and the shell that runs both on Kafka.

It may import what services share (`runtime`) and the language (`schemas`), and no other service. Inside, the shell
imports the snapshots, and both the core. Begin with `core/step.py`: one command, whole.
"""
