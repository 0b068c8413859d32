"""A log recorded once replays to the same bytes for ever, and anybody can check the chain of its digests."""

import json
from functools import cache
from hashlib import blake2b
from pathlib import Path

from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.state import genesis
from schemas.codec import decode_event
from schemas.events import OldestReduced, PositionClosed, PositionReduced
from tests.golden.replay import replay, summary_of
from tests.replaying import Replay

FOLDER = Path(__file__).parent
LINES = (FOLDER / "commands.txt").read_text().splitlines()


@cache
def recorded() -> Replay:
    """Execute the log once for all tests."""
    return replay(LINES)


def test_the_recorded_log_replays_to_the_same_bytes() -> None:
    """Where this fails, an old log has another history: give the new rule a version, and leave this file as it is."""
    assert summary_of(recorded()) == json.loads((FOLDER / "expected.json").read_text())


@cache
def recorded_parts() -> Replay:
    """Execute the log in which people close parts, which was recorded when they first could."""
    return replay((FOLDER / "parts-commands.txt").read_text().splitlines())


def test_the_recorded_log_of_parts_replays_to_the_same_bytes() -> None:
    assert summary_of(recorded_parts()) == json.loads((FOLDER / "parts-expected.json").read_text())
    closed = [event for event in recorded_parts().events if isinstance(event, PositionReduced | OldestReduced)]
    assert {type(event) for event in closed} == {PositionReduced, OldestReduced}
    assert {event.side for event in closed} == {"long", "short"}
    ended = {event.reason for event in recorded_parts().events if isinstance(event, PositionClosed)}
    assert ended == {"manual", "stop_loss", "take_profit", "liquidation"}


def test_law_9_the_events_alone_lead_to_the_ledger_of_the_recorded_log() -> None:
    state = genesis(0, 1)
    for value in recorded().values:
        apply(state, decode_event(value))
    assert state_digest(state) == state_digest(recorded().state)


def test_each_digest_in_the_chain_is_the_hash_of_the_previous_digest_and_the_event() -> None:
    """By the hash function alone, as an outsider would who trusts none of our code."""
    previous = blake2b(b"reprise/0", digest_size=16).digest()
    for value in recorded().values:
        body, digest = value[:-16], value[-16:]
        assert digest == blake2b(previous + body, digest_size=16).digest()
        previous = digest


def test_a_changed_byte_breaks_the_chain_at_its_event() -> None:
    values = list(recorded().values)
    middle = len(values) // 2
    values[middle] = values[middle][:12] + bytes([values[middle][12] ^ 1]) + values[middle][13:]
    previous = values[middle - 1][-16:]
    assert values[middle][-16:] != blake2b(previous + values[middle][:-16], digest_size=16).digest()


def test_the_recorded_log_has_events_of_the_expected_kinds() -> None:
    events = recorded().events
    kinds = {type(event).__name__ for event in events}
    assert kinds >= {
        "AccountOpened",
        "CommandRejected",
        "CommandRepeated",
        "Deposited",
        "FeedKept",
        "FeedSelected",
        "InstrumentsDefined",
        "MarketStatusSet",
        "PositionClosed",
        "PositionOpened",
        "PricesUpdated",
        "StopsAmended",
        "TickHeld",
        "Withdrawn",
    }
    reasons = {event.reason for event in events if isinstance(event, PositionClosed)}
    assert reasons == {"manual", "stop_loss", "take_profit", "liquidation"}
    assert any(event.written_off for event in events if isinstance(event, PositionClosed))
    assert any(event.insurance_paid for event in events if isinstance(event, PositionClosed))
