"""Where prices come from, and how they get into the log.

It may import runtime and schemas, and no other package.
Begin with publisher.py, how a tick becomes a command in every shard; feed_selection.py says where ticks come from,
ledger_reader.py which instruments there are and which rules are in force, vouching.py for which quotes a feed answers.
"""
