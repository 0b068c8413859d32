"""A log recorded once replays to the same bytes for ever, and anybody can check the chain of its digests."""

import json
from base64 import b64decode
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import get_args

from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.state import genesis
from schemas.codec import command_in, decode_event
from schemas.commands import Command
from schemas.events import (
    AllClosed,
    ClockSet,
    CommandRejected,
    Event,
    OldestReduced,
    PositionClosed,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
)
from schemas.rejections import Rejection, TickRefusal
from schemas.units import MINUTE
from tests.golden.replay import replay, summary_of
from tests.replaying import Replay

FOLDER = Path(__file__).parent
LINES = (FOLDER / "commands.txt").read_text().splitlines()
VERSION_2 = (FOLDER / "version-2-commands.txt").read_text().splitlines()
SCHEMAS = FOLDER.parents[1] / "schemas" / "avro"


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


@cache
def recorded_under_version_2() -> Replay:
    """Execute the log of a ledger that was born under version 2 of the rules."""
    return replay(VERSION_2)


def test_the_recorded_log_of_version_2_replays_to_the_same_bytes() -> None:
    assert summary_of(recorded_under_version_2()) == json.loads((FOLDER / "version-2-expected.json").read_text())


def test_the_recorded_log_of_version_2_has_every_message_and_refusal_that_came_with_version_2() -> None:
    events = recorded_under_version_2().events
    first = events[0]
    assert isinstance(first, RulesActivated)
    assert first.version == 2
    new = {path.stem for path in (SCHEMAS / "2").glob("*.avsc")}
    assert {type(event).__name__ for event in events} >= new & {kind.__name__ for kind in get_args(Event)}
    commands = {type(command_in(b64decode(line.split()[1]), 2)).__name__ for line in VERSION_2}
    assert commands >= new & {kind.__name__ for kind in get_args(Command)}
    refused = {event.rejection for event in events if isinstance(event, CommandRejected)}
    assert {Rejection.PRICE_TOO_OLD, Rejection.TOO_MANY_POSITIONS} <= refused
    updates = [event for event in events if isinstance(event, PricesUpdated)]
    reasons = {tick.reason for event in updates for tick in event.refused}
    assert {TickRefusal.NAMES_NO_TICK, TickRefusal.NOT_THE_LAST_TICK, TickRefusal.CLOCK_SUSPECT} <= reasons
    assert any(event.alive for event in updates)
    assert any(event.positions > 1 and event.left for event in events if isinstance(event, AllClosed))
    assert any(event.before > event.time + MINUTE for event in events if isinstance(event, ClockSet))


def test_law_9_the_events_alone_lead_to_the_ledger_of_the_recorded_log() -> None:
    for replayed in (recorded(), recorded_under_version_2()):
        state = genesis(0, 1)
        for value in replayed.values:
            apply(state, decode_event(value))
        assert state_digest(state) == state_digest(replayed.state)


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
