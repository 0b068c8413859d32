"""Where a shard's recovery starts: with which ledger, and after which event."""

from typing import NamedTuple

from reprise.engine.core.state import State, genesis
from reprise.schemas.codec import first_digest


class Start(NamedTuple):
    """A ledger as of `state.next_offset`, and the digest of the event `state.seq`."""

    state: State
    digest: bytes


def start_of(shard: int, shards: int) -> Start:
    """Give the ledger to replay from: the one before the first command, from which the whole log is replayed."""
    return Start(genesis(shard, shards), first_digest(shard))
