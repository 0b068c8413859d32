"""Whether commands, events, snapshots and tables agree: one judge for each question and shard.

May import `log`, the core, and the projector's row functions.
Begin at `verify.py`; `judges.py` hands out the questions that the other files answer.
"""

from schemas.compiled import search_path

__path__ = search_path(__name__, __path__)
