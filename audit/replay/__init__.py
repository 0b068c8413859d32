"""One account's part of a log, step by step: its commands and events, its ledger before and after, and a bundle of it.

May import `export`, `explain`, `verify` and `log`, `runtime` and what is below it.
Begin at `replays.py: Replays`; `main.py` serves it to the API, `application.py` is what it answers over HTTP.
"""
