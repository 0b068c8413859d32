"""The seeds' own interfaces: what a client written from one of the five READMEs sends and expects, in the demo profile.

One file a seed, and another for seed 001's engine; where two want one path, one handler for both (shared.py). No rule
is decided here.
"""
