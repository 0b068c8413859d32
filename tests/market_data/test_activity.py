"""A shard is active while a position is open, for a minute after a command, and while its events are not known."""

from base64 import b64decode
from pathlib import Path

import pytest

from engine.core.state import genesis
from engine.core.step import step
from market_data.activity import QUIET_AFTER_S, ShardActivity
from schemas.codec import command_in, encode_and_chain, first_digest
from schemas.events import EventHeader, FeedSelected
from schemas.units import Timestamp
from tests.market_data.log import BY_A_PERSON, NO_ONE, accepted, event_value

GOLDEN = Path(__file__).parents[1] / "golden"
SELECTED = FeedSelected(
    EventHeader(seq=1, command_offset=1, index=0, time=Timestamp(1), **NO_ONE),
    name="simulated",
    run="a-run",
    live=False,
)


def known(shards: int = 1) -> ShardActivity:
    """Give the activity of shards in which nothing ever happened, and that is known."""
    activity = ShardActivity(shards)
    for shard in range(shards):
        activity.note_end(shard)
    return activity


def test_a_shard_is_active_until_its_events_are_known() -> None:
    activity = ShardActivity(2)
    assert activity.active(0.0) == {0, 1}
    activity.note_end(1)
    assert activity.active(0.0) == {0}
    activity.note_end(0)
    assert activity.active(0.0) == frozenset()


def test_prices_and_the_choice_of_a_feed_make_no_shard_active() -> None:
    activity = known()
    activity.note_event(0, event_value(accepted(1)), 10.0)
    activity.note_event(0, event_value(SELECTED), 10.0)
    assert activity.active(10.0) == frozenset()


def test_a_command_of_a_person_makes_its_shard_active_for_a_minute() -> None:
    activity = known()
    activity.note_event(0, BY_A_PERSON, 10.0)
    assert activity.active(10.0 + QUIET_AFTER_S - 0.1) == {0}
    assert activity.active(10.0 + QUIET_AFTER_S) == frozenset()


def test_the_shard_that_candles_come_of_is_active_with_any_other() -> None:
    activity = known(4)
    activity.note_event(2, BY_A_PERSON, 10.0)
    assert activity.active(11.0) == {0, 2}


def test_a_position_of_before_the_first_event_that_is_read_keeps_its_shard_active() -> None:
    activity = ShardActivity(1)
    activity.begin(0, positions=1)
    activity.note_end(0)
    assert activity.active(1e9) == {0}


@pytest.mark.parametrize("log", ["commands.txt", "parts-commands.txt", "version-2-commands.txt"])
def test_a_shard_of_a_recorded_log_is_active_exactly_while_the_ledger_has_open_positions(log: str) -> None:
    state, digest, activity = genesis(0, 1), first_digest(0), known()
    seen = set()
    for offset, line in enumerate((GOLDEN / log).read_text().splitlines()):
        time, value = line.split()
        rules = state.rules_version
        for event in step(state, command_in(b64decode(value), rules), offset=offset, time=int(time)):
            written, digest = encode_and_chain(event, digest, rules)
            activity.note_event(0, written, 0.0)
        is_open = bool(state.positions)
        assert activity.active(QUIET_AFTER_S) == ({0} if is_open else frozenset()), offset
        seen.add(is_open)
    assert seen == {True, False}
