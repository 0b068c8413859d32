"""The seeds' own interfaces: what a client written from one of the five READMEs sends and expects, in the demo profile.

One router a seed; where two want one path, one handler for both (shared.py). No rule is decided here.
"""
