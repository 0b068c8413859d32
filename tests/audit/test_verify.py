"""A sound log is verified whole; one flipped bit anywhere, and any record missing, doubled or moved, is named."""

import random
from collections.abc import Callable

import pytest

from audit.log.differences import Difference
from audit.log.generations import generations
from audit.verify.verify import From, Verdict, VerifyRequest, verify
from runtime.kafka import LogRecord
from schemas.codec import NotDecodable, decode_command, decode_event
from schemas.commands import ClientCommand
from schemas.record import replace
from schemas.snapshots import is_manifest_key
from tests.audit.logs import MemoryLog, busy_log, golden_log

FLIPS, FEW = 25, 6
SLOW = pytest.mark.slow
SEED = 11
STARTS: tuple[From, ...] = ("genesis", "snapshot")


def verified(log: MemoryLog, start: From = "genesis", *, state_only: bool = False) -> Verdict:
    return verify(log, VerifyRequest(log.held, start=start, state_only=state_only, processes=1))


def flipped(record: LogRecord, bit: int) -> LogRecord:
    """Give the record with one bit of its value changed."""
    value = bytearray(record.value)
    value[bit // 8] ^= 1 << bit % 8
    return record._replace(value=bytes(value))


def flips(records: list[LogRecord], seed: int, count: int = FLIPS) -> list[tuple[int, int]]:
    """Choose places and bits."""
    dice = random.Random(seed)
    chosen = [dice.randrange(len(records)) for _ in range(count)]
    return [(place, dice.randrange(8 * len(records[place].value))) for place in chosen]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("state_only", [False, True])
@pytest.mark.parametrize("log", [golden_log, busy_log], ids=["golden", "busy"])
def test_a_sound_log_agrees(log: Callable[[], MemoryLog], start: From, state_only: bool) -> None:
    verdict = verified(log(), start=start, state_only=state_only)
    assert verdict.differences == []
    assert verdict.agrees
    assert verdict.database == "not compared"
    for shard in verdict.shards:
        part = log().parts[shard.shard]
        written = sum(is_manifest_key(record.key) for record in part.snapshots)
        assert (shard.seq, shard.snapshots) == (decode_event(part.events[-1].value).seq, written)
        assert shard.snapshots > 0
        assert (shard.started_at == 1) == (start == "genesis")


def test_executing_and_folding_from_genesis_and_from_a_snapshot_lead_to_the_same_ledger() -> None:
    ends = {
        (shard.shard, shard.chain_digest, shard.ledger_digest)
        for start in STARTS
        for state_only in (False, True)
        for shard in verified(busy_log(), start=start, state_only=state_only).shards
    }
    assert len(ends) == busy_log().shards


@pytest.mark.parametrize(
    ("state_only", "count"),
    [(False, FEW), pytest.param(False, FLIPS, marks=SLOW), pytest.param(True, FLIPS, marks=SLOW)],
)
def test_one_flipped_bit_of_an_event_is_named_with_its_seq(state_only: bool, count: int) -> None:
    for place, bit in flips(golden_log().parts[0].events, SEED, count):
        log = golden_log().copy()
        log.parts[0].events[place] = flipped(log.parts[0].events[place], bit)
        verdict = verified(log, state_only=state_only)
        first = verdict.differences[0]
        assert (first.shard, first.seq) == (0, place + 1), (place, bit, first)
        if not state_only:
            assert first.judge == "events"
            assert first.field is not None
            assert first.expected != first.found


def test_a_difference_has_offset_type_field_and_both_values() -> None:
    log = golden_log().copy()
    place, event = next(
        (place, event)
        for place, record in enumerate(log.parts[0].events)
        if type(event := decode_event(record.value)).__name__ == "Deposited"
    )
    record = log.parts[0].events[place]
    amount = getattr(event, "amount")  # noqa: B009  # Of the type just looked for.
    changed = next(
        candidate
        for bit in range(8 * len(record.value))
        if (candidate := flipped(record, bit)).value != record.value and _amount(candidate.value) not in {None, amount}
    )
    log.parts[0].events[place] = changed
    first = verified(log).differences[0]
    assert first == Difference(
        judge="events",
        shard=0,
        what="the logged event is not the one its command gives",
        offset=event.command_offset,
        seq=event.seq,
        type="Deposited",
        field="amount",
        expected=str(amount),
        found=str(_amount(changed.value)),
    )
    assert "field amount" in first.sentence()
    assert f"expected {amount}" in first.sentence()


@pytest.mark.slow
def test_one_flipped_bit_of_a_command_is_named_unless_no_event_depends_on_the_bit() -> None:
    """Bits without an effect on events are covered by an exported log's hashes and the broker's checksums."""
    told = {
        event.command_offset: event.command_hash
        for record in golden_log().parts[0].events
        if (event := decode_event(record.value)).index == 0
    }
    named = 0
    for place, bit in flips(golden_log().parts[0].commands, SEED, 60):
        log = golden_log().copy()
        record = log.parts[0].commands[place]
        log.parts[0].commands[place] = flipped(record, bit)
        verdict = verified(log)
        if verdict.agrees:
            remembered = told[place] is not None
            assert not remembered or is_same_but_for_deadline(record.value, log.parts[0].commands[place].value)
            continue
        named += 1
        first = verdict.differences[0]
        assert first.judge == "events"
        assert first.offset is not None
        assert first.offset >= place
    assert named > 30


def is_same_but_for_deadline(before: bytes, after: bytes) -> bool:
    """Whether two commands are the same by all that an event's `command_hash` covers."""
    one, other = decode_command(before), decode_command(after)
    assert isinstance(one, ClientCommand)
    assert isinstance(other, ClientCommand)
    return replace(one, deadline=None) == replace(other, deadline=None)


def _amount(value: bytes) -> int | None:
    try:
        return getattr(decode_event(value), "amount", None)
    except NotDecodable:
        return None


@pytest.mark.parametrize(
    ("what", "count"),
    [("manifest", FEW), pytest.param("manifest", FLIPS, marks=SLOW), pytest.param("chunk", FLIPS, marks=SLOW)],
)
def test_one_flipped_bit_of_a_snapshot_is_named(what: str, count: int) -> None:
    records = golden_log().parts[0].snapshots
    places = [place for place, record in enumerate(records) if is_manifest_key(record.key) == (what == "manifest")]
    named = 0
    for place, bit in flips([records[place] for place in places], SEED, count):
        log = golden_log().copy()
        log.parts[0].snapshots[places[place]] = flipped(records[places[place]], bit)
        verdict = verified(log, state_only=True)
        if verdict.agrees:
            # A bit of a compressed chunk that decompresses to the same pages; in an exported file the hash shows it.
            assert pages_of(log) == pages_of(golden_log()), (place, bit)
            continue
        named += 1
        assert {difference.judge for difference in verdict.differences} == {"snapshots"}
        assert "manifest at" in verdict.differences[0].what
    assert named >= count - 2


def pages_of(log: MemoryLog) -> list[list[bytes]]:
    return [list(found.pages()) for found in generations(log.snapshots(0))]


@pytest.mark.parametrize("topic", ["commands", "events"])
@pytest.mark.parametrize("damage", ["missing", "doubled", "reordered"])
@pytest.mark.parametrize("place", [0, 1, pytest.param(300, marks=pytest.mark.slow), -2])
def test_a_missing_doubled_or_moved_record_is_named(topic: str, damage: str, place: int) -> None:
    log = golden_log().copy()
    records: list[LogRecord] = getattr(log.parts[0], topic)
    place %= len(records)
    match damage:
        case "missing":
            del records[place]
        case "doubled":
            records.insert(place, records[place])
        case _:
            records[place], records[place + 1] = records[place + 1], records[place]
    verdict = verified(log)
    assert not verdict.agrees
    first = verdict.differences[0]
    assert first.judge == "events"
    assert first.field in {"offset", "seq", "type"}
    if topic == "events" and damage != "missing":
        assert "stands where" in first.what or first.field == "type"


def test_a_missing_last_event_of_a_command_is_named_and_a_command_without_events_is_pending() -> None:
    log = golden_log().copy()
    events = log.parts[0].events
    place = next(place for place, record in enumerate(events) if place and decode_event(record.value).index > 0)
    cut = golden_log().copy()
    del cut.parts[0].events[place:]
    cut.parts[0].snapshots.clear()
    assert "in the middle of a command" in verified(cut).differences[0].what

    first = next(number for number in range(500, len(events)) if decode_event(events[number].value).index == 0)
    waiting = golden_log().copy()
    del waiting.parts[0].events[first:]
    waiting.parts[0].snapshots.clear()
    verdict = verify(waiting, VerifyRequest(waiting.held, processes=1, allow_pending=True))
    assert verdict.agrees
    offset = decode_event(events[first].value).command_offset
    assert verdict.shards[0].pending_commands == len(waiting.parts[0].commands) - offset


def test_an_event_beyond_the_last_command_is_named() -> None:
    log = golden_log().copy()
    del log.parts[0].commands[-30:]
    log.parts[0].snapshots.clear()
    first = verified(log).differences[0]
    assert first.what == "an event stands behind the last command's"
    assert first.offset == len(log.parts[0].commands)


def test_a_snapshot_ahead_of_the_log_is_named() -> None:
    log = golden_log().copy()
    del log.parts[0].events[400:]
    del log.parts[0].commands[decode_event(log.parts[0].events[-1].value).command_offset + 1 :]
    assert any("the log ends with" in difference.what for difference in verified(log).differences)


def test_a_superseded_snapshot_may_have_lost_chunks() -> None:
    log = golden_log().copy()
    snapshots = log.parts[0].snapshots
    first_chunk = next(place for place, record in enumerate(snapshots) if not is_manifest_key(record.key))
    del snapshots[first_chunk]
    verdict = verified(log)
    assert verdict.agrees
    assert verdict.shards[0].superseded_snapshots == 1
    last_chunk = max(place for place, record in enumerate(snapshots) if not is_manifest_key(record.key))
    del snapshots[last_chunk]
    assert "is not at offset" in verified(log).differences[0].what


def test_a_broken_manifest_is_named_and_the_superseded_manifest_of_its_slot_is_not() -> None:
    log = golden_log().copy()
    snapshots = log.parts[0].snapshots
    first = next(place for place, record in enumerate(snapshots) if is_manifest_key(record.key))
    again = max(place for place, record in enumerate(snapshots) if record.key == snapshots[first].key)
    assert again > first
    snapshots[again] = flipped(snapshots[again], 100)
    broken = snapshots[again].offset
    del snapshots[first - 1]
    verdict = verified(log)
    assert verdict.shards[0].superseded_snapshots == 1
    assert {(difference.judge, difference.offset) for difference in verdict.differences} == {("snapshots", broken)}


def test_a_shard_that_missed_a_broadcast_is_named() -> None:
    lone = busy_log().copy()
    part = lone.parts[2]
    cut = next(
        place
        for place, record in enumerate(part.events)
        if type(decode_event(record.value)).__name__ == "MarketStatusSet"
    )
    offset = decode_event(part.events[cut].value).command_offset
    del part.events[cut:]
    del part.commands[offset:]
    part.snapshots.clear()
    differences = verified(lone).differences
    assert {(difference.judge, difference.shard) for difference in differences} == {("broadcasts", 2)}
    assert any(difference.what.endswith("is missing") for difference in differences)


def test_all_shards_are_verified_when_one_shard_differs() -> None:
    log = busy_log().copy()
    for shard in (1, 3):
        events = log.parts[shard].events
        events[40] = flipped(events[40], 200)
    verdict = verified(log)
    assert [shard.shard for shard in verdict.shards if not shard.agrees] == [1, 3]
    assert {difference.shard for difference in verdict.differences} == {1, 3}


def test_the_key_of_an_event_is_compared_too() -> None:
    log = golden_log().copy()
    events = log.parts[0].events
    place = next(place for place, record in enumerate(events) if record.key is not None)
    events[place] = events[place]._replace(key=b"somebody else")
    assert [difference.what for difference in verified(log).differences] == ["the record's key is not its account"]
