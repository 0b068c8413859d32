"""A shard's commands executed in this process: the ledger they lead to, and the bytes of their events."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.core.laws import broken
from engine.core.state import State, genesis
from engine.core.step import step
from runtime.kafka import LogRecord
from schemas.codec import command_in, encode_and_chain, first_digest
from schemas.events import Event


class Replay(NamedTuple):
    """What a log led to."""

    state: State
    events: list[Event]
    values: list[bytes]


def execute(shard: int, shards: int, log: Iterable[tuple[int, bytes]], *, laws_every: int = 1) -> Replay:
    """Execute commands from the first: each one's time (µs) and value. The laws hold after each nth, and at last."""
    replay = Replay(genesis(shard, shards), [], [])
    digest = first_digest(shard)
    for offset, (time, value) in enumerate(log):
        rules = replay.state.rules_version
        for event in step(replay.state, command_in(value, rules), offset=offset, time=time):
            encoded, digest = encode_and_chain(event, digest, rules)
            replay.events.append(event)
            replay.values.append(encoded)
        if offset % laws_every == 0:
            assert broken(replay.state) == [], offset
    assert broken(replay.state) == []
    return replay


def execute_records(shard: int, shards: int, records: list[LogRecord], *, laws_every: int = 1) -> Replay:
    """Execute the records of a shard's whole log, at the times the broker gave them."""
    assert [record.offset for record in records] == list(range(len(records)))
    return execute(
        shard, shards, ((record.timestamp_ms * 1_000, record.value) for record in records), laws_every=laws_every
    )
