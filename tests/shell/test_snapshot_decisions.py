"""The choice of the snapshot a shard recovers from, without a broker."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bench._workload import accounts_of, opening_day, trading_day
from engine.core.fingerprint import state_digest
from engine.core.rules import newest_rules
from engine.core.state import State, genesis
from engine.core.step import step
from engine.shell.log import Bounds, Producers, Watermark
from engine.shell.progress import RecoveryProgress, percent, seconds_left
from engine.shell.take_over import LogEnds, ShardStart, load
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import FORMAT, restore
from runtime.snapshots import FoundManifest
from runtime.transactions import TransactionalProducer
from schemas.manifest import SnapshotManifest
from schemas.record import replace
from schemas.snapshots import Packing, unpack

SHARD = 1
SHARDS = 4
TIME_MS = 1_700_000_000_000
COMMANDS = 300
SNAPSHOTS_AT = (100, 200, 300)  # commands


class FakeLog:
    """A shard's log in memory; the newest manifest is the last."""

    def __init__(self) -> None:
        self.found: list[FoundManifest] = []
        self.unreadable: list[int] = []
        self.chunks: dict[int, list[bytes]] = {}
        self.states: dict[int, bytes] = {}
        self.appended_ms: dict[int, int] = dict.fromkeys(range(COMMANDS), TIME_MS)
        self.end = COMMANDS
        self.seq = 0

    def fence(self, shard: int) -> Producers:
        raise NotImplementedError

    def fence_events(self, shard: int) -> TransactionalProducer:
        raise NotImplementedError

    def fence_snapshots(self, shard: int) -> TransactionalProducer:
        raise NotImplementedError

    def watermark(self, shard: int) -> Watermark:
        assert shard == SHARD
        return Watermark(self.seq, b"w" * 16)

    def hidden_from(self, shard: int) -> int | None:
        raise NotImplementedError

    def command_bounds(self, shard: int) -> Bounds:
        assert shard == SHARD
        return Bounds(0, self.end)

    def appended_at(self, shard: int, offset: int) -> int | None:
        assert shard == SHARD
        return self.appended_ms.get(offset)

    def manifests(self, shard: int, on_unreadable: Callable[[int, str], None]) -> Iterator[FoundManifest]:
        assert shard == SHARD
        for offset in self.unreadable:
            on_unreadable(offset, "its manifest was altered")
        yield from reversed(self.found)

    def pages(self, shard: int, manifest: SnapshotManifest) -> Iterator[bytes]:
        assert shard == SHARD
        return unpack(manifest, self.chunks[manifest.number])

    def alter(self, number: int, **fields: Any) -> None:
        """Let one manifest say something else."""
        offset, manifest = self.found[number - 1]
        self.found[number - 1] = FoundManifest(offset, replace(manifest, **fields))

    def start(self, first: int = 0) -> tuple[ShardStart, list[str]]:
        """Where recovery starts, and why snapshots were passed over."""
        with capture_logs() as lines:
            start = load(
                self, SHARD, SHARDS, LogEnds(self.watermark(SHARD), Bounds(first, self.end)), RecoveryProgress()
            )
        return start, [line["why"] for line in lines if line["event"] == "snapshot passed over"]


@pytest.fixture
def log() -> FakeLog:
    """A day of trading with a snapshot after every hundred commands."""
    made = FakeLog()
    state = genesis(SHARD, SHARDS)
    accounts = accounts_of(SHARD, SHARDS, 20)
    days = [
        *opening_day(SHARD, accounts, lambda: TIME_MS * 1_000),
        *trading_day(SHARD, accounts, COMMANDS, lambda: TIME_MS * 1_000),
    ]
    for offset, command in enumerate(days[:COMMANDS]):
        step(state, command, offset=offset, time=TIME_MS * 1_000)
        if state.next_offset in SNAPSHOTS_AT:
            keep(made, state)
    made.seq = state.seq
    return made


def pages_of(state: State) -> list[bytes]:
    pages = list(iter(begin_copy(state).next_page, None))
    end_copy(state)
    return pages


def keep(log: FakeLog, state: State) -> None:
    packing = Packing()
    packing.add(pages_of(state))
    number = len(log.found) + 1
    manifest = SnapshotManifest(
        shard=SHARD,
        slots=10,
        slot=number % 10,
        number=number,
        next_offset=state.next_offset,
        time=state.time,
        seq=state.seq,
        digest=bytes([number]) * 16,
        accounts=len(state.accounts),
        positions=len(state.positions),
        format=FORMAT,
        rules_version=1,
        chunk_offsets=(number,),
        sha256=packing.finish(),
        uncompressed_bytes=packing.uncompressed_bytes,
        previous_manifest_offset=None,
    )
    log.found.append(FoundManifest(10 * number, manifest))
    log.chunks[number] = packing.chunks
    log.states[number] = state_digest(state)


def started_from(start: ShardStart) -> int | None:
    return None if start.manifest is None else start.manifest.number


def test_recovery_starts_from_the_newest_sound_snapshot(log: FakeLog) -> None:
    start, passed_over = log.start()
    assert (started_from(start), passed_over) == (3, [])
    assert start.state.next_offset == 300
    assert start.digest == bytes([3]) * 16
    assert state_digest(start.state) == log.states[3]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"shard": 2}, "it is of shard 2"),
        ({"format": FORMAT + 1}, f"its format is {FORMAT + 1}, and this version of Reprise reads up to {FORMAT}"),
        ({"rules_version": 99}, f"its rules are version 99, and this version of Reprise has up to {newest_rules()}"),
        ({"sha256": bytes(32)}, "its SHA-256 is"),
        ({"uncompressed_bytes": 10}, "chunk 0 says it has"),
        ({"uncompressed_bytes": 10**6}, "bytes early"),
        ({"next_offset": 299}, "its manifest says shard, shards, seq, next offset, time and rules"),
        ({"accounts": 21}, "its manifest says 21 accounts"),
        ({"instruments": ()}, "its manifest names other instruments"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_an_unsound_newest_snapshot_is_passed_over_with_its_reason_for_the_previous_snapshot(
    log: FakeLog, fields: dict[str, Any], why: str
) -> None:
    log.alter(3, **fields)
    start, passed_over = log.start()
    assert started_from(start) == 2
    assert len(passed_over) == 1
    assert why in passed_over[0]


def in_an_unknown_market(state: State) -> None:
    next(iter(state.positions.values())).symbol = "DOGE_USDC"


def without_a_market(state: State) -> None:
    state.markets.popitem()


def without_an_account(state: State) -> None:
    state.accounts_by_number.pop()
    state.accounts.popitem()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (in_an_unknown_market, "its pages do not fit together: KeyError('DOGE_USDC')"),
        (without_a_market, "its markets are not those of its instruments"),
        (without_an_account, "its manifest says 20 accounts"),
    ],
)
def test_a_snapshot_with_a_right_hash_that_holds_no_ledger_is_passed_over_for_the_previous_snapshot(
    log: FakeLog, spoil: Callable[[State], None], why: str
) -> None:
    state = restore(unpack(log.found[2].manifest, log.chunks[3]))
    spoil(state)
    packing = Packing()
    packing.add(pages_of(state))
    log.alter(3, sha256=packing.finish(), uncompressed_bytes=packing.uncompressed_bytes)
    log.chunks[3] = packing.chunks
    start, passed_over = log.start()
    assert started_from(start) == 2
    assert len(passed_over) == 1
    assert why in passed_over[0]


@pytest.mark.parametrize("byte", [0, 1, 2, 0x7F, 0x80, 0xFF])
def test_any_byte_of_a_snapshot_s_first_page_may_be_another_and_recovery_continues(log: FakeLog, byte: int) -> None:
    _, manifest = log.found[2]
    head, *accounts = unpack(manifest, log.chunks[3])
    for place in range(len(head)):
        packing = Packing()
        packing.add([head[:place] + bytes([byte]) + head[place + 1 :], *accounts])
        log.alter(3, sha256=packing.finish(), uncompressed_bytes=packing.uncompressed_bytes)
        log.chunks[3] = packing.chunks
        start, _ = log.start()
        assert started_from(start) in (2, 3), f"byte {place}"


def test_a_snapshot_above_the_watermark_is_passed_over(log: FakeLog) -> None:
    log.seq = log.found[2].manifest.seq - 1
    start, (why,) = log.start()
    assert started_from(start) == 2
    assert f"events are committed up to {log.seq}" in why
    log.seq = log.found[1].manifest.seq
    assert started_from(log.start()[0]) == 2, "at the watermark is not above it"


def test_an_unreadable_manifest_is_passed_over_with_its_reason(log: FakeLog) -> None:
    log.unreadable.append(40)
    start, passed_over = log.start()
    assert (started_from(start), passed_over) == (3, ["its manifest was altered"])


def test_without_a_sound_snapshot_the_whole_log_is_replayed(log: FakeLog) -> None:
    for number in (1, 2, 3):
        log.chunks[number] = [b"broken"]
    start, passed_over = log.start()
    assert started_from(start) is None
    assert (start.state.seq, start.state.next_offset) == (0, 0)
    assert len(passed_over) == 3


def test_a_snapshot_of_another_log_is_passed_over(log: FakeLog) -> None:
    log.end = 250
    start, (why,) = log.start()
    assert started_from(start) == 2
    assert why == "it has the commands up to offset 300, and the log has them up to 250"
    log.appended_ms[199] = TIME_MS + 1
    start, passed_over = log.start()
    assert started_from(start) == 1
    assert passed_over[1] == "the command at offset 199 was appended after it was taken: it is of another log"
    del log.appended_ms[99]
    start, passed_over = log.start()
    assert started_from(start) is None
    assert passed_over[2] == "its last command, at offset 99, is not in the log"


def test_a_snapshot_is_usable_after_its_commands_were_deleted(log: FakeLog) -> None:
    log.appended_ms.clear()
    assert started_from(log.start(first=300)[0]) == 3


def test_recovery_progress_is_a_percentage_and_an_estimate_from_the_rate_so_far() -> None:
    assert (percent(0, 0), percent(1, 3), percent(5, 4)) == (0.0, 33.3, 100.0)
    assert seconds_left(0, 10, 1.0) is None
    assert seconds_left(25, 100, 2.0) == 6.0
    assert seconds_left(100, 100, 2.0) == 0.0
