"""A rule and a field change at an offset: before it nothing is another byte, after it both are there."""

from itertools import takewhile

import pytest

from audit.verify import arithmetic
from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.rules import RULES, RulesUnknown, newest_rules
from engine.core.state import State, genesis
from engine.core.step import step
from engine.snapshot.format import restore
from schemas import codec
from schemas.codec import decode_event, digest_of, encode_and_chain, version_of
from schemas.events import Event, PositionClosed, RulesActivated
from schemas.units import PPM, Timestamp
from tests.activation.log import AT, activating_commands, recorded_commands
from tests.golden.replay import summary_of
from tests.golden.test_recorded_log import recorded
from tests.properties.test_copying import copy_of
from tests.replaying import Replay, command_in, execute
from tests.second_rules import FeedPraised, second_rules

BEFORE = len(list(takewhile(lambda event: event.command_offset < AT, recorded().events)))


def replayed(commands: list[tuple[int, bytes]]) -> Replay:
    return execute(0, 1, commands, laws_every=50)


@pytest.fixture
def newer_code() -> object:
    with second_rules():
        yield


@pytest.fixture
def activated(newer_code: object) -> Replay:
    """The log with the activation, executed by newer code."""
    return replayed(activating_commands())


def liquidations(events: list[Event]) -> list[PositionClosed]:
    return [event for event in events if isinstance(event, PositionClosed) and event.liquidation_fee > 0]


def test_newer_code_replays_an_old_log_to_the_recorded_bytes(newer_code: object) -> None:
    again = replayed(recorded_commands())
    assert again.values == recorded().values
    assert summary_of(again) == summary_of(recorded())


def test_before_the_activation_every_byte_is_what_code_with_version_1_alone_writes(activated: Replay) -> None:
    assert BEFORE > 300
    assert activated.values[:BEFORE] == recorded().values[:BEFORE]
    assert activated.values[BEFORE:] != recorded().values[BEFORE:]


def test_the_activation_event_is_written_with_the_schema_of_the_previous_version(activated: Replay) -> None:
    event = activated.events[BEFORE]
    assert isinstance(event, RulesActivated)
    assert (event.version, event.command_offset, event.index) == (2, AT, 0)
    assert {version_of(value) for value in activated.values[: BEFORE + 1]} == {1}


def test_the_new_fee_and_the_new_field_begin_with_the_command_after_the_activation(activated: Replay) -> None:
    old, new = liquidations(activated.events[:BEFORE]), liquidations(activated.events[BEFORE:])
    assert len(old) == 4
    assert len(new) == 4
    for event in old:
        assert event.liquidation_fee == min(max(0, event.equity), -(-event.notional * 5_000 // PPM))
        assert getattr(event, "liquidation_fee_rate") is None  # noqa: B009  # Of the planted type.
    for event in new:
        assert event.liquidation_fee == min(max(0, event.equity), -(-event.notional * 5_000 // (2 * PPM)))
        assert getattr(event, "liquidation_fee_rate") == 5_000  # noqa: B009
    assert any(event.liquidation_fee < event.equity for event in new), "not all of what was left is the fee"


def test_an_event_has_the_schema_of_its_command_s_rules_and_decodes_to_the_same_event(activated: Replay) -> None:
    for value, event in zip(activated.values, activated.events, strict=True):
        closes = isinstance(event, PositionClosed)
        assert version_of(value) == (2 if closes and event.command_offset > AT else 1)
        assert decode_event(value) == event


def test_an_event_of_the_old_schema_is_read_with_the_new_field_null(activated: Replay) -> None:
    """By newer code: of the bytes that code of version 1 alone has written."""
    for value, event in zip(recorded().values[:BEFORE], activated.events, strict=False):
        assert decode_event(value) == event


def test_an_event_of_a_new_kind_cannot_be_encoded_before_its_version(newer_code: object) -> None:
    praised = FeedPraised(1, None, 0, 0, None, None, None, Timestamp(1), name="simulated", run="1")
    value, _ = encode_and_chain(praised, bytes(16), 2)
    assert (version_of(value), decode_event(value)) == (2, praised)
    with pytest.raises(KeyError):
        encode_and_chain(praised, bytes(16), 1)


def test_executing_and_folding_lead_to_the_same_ledger_across_the_activation(activated: Replay) -> None:
    folded = genesis(0, 1)
    for value in activated.values:
        apply(folded, decode_event(value))
    assert folded.rules_version == 2
    assert state_digest(folded) == state_digest(activated.state)


@pytest.mark.parametrize("offset", [AT - 40, AT, AT + 1, AT + 40])
def test_a_snapshot_before_or_after_the_activation_gives_the_rest_byte_for_byte(offset: int, activated: Replay) -> None:
    commands = activating_commands()
    before = replayed(commands[:offset])
    state = restore(copy_of(before.state))
    assert state.rules_version == (2 if offset > AT else 1)
    assert values_from(state, commands, digest_of(before.values[-1])) == activated.values[len(before.values) :]


def values_from(state: State, commands: list[tuple[int, bytes]], digest: bytes) -> list[bytes]:
    values = []
    for time, value in commands[state.next_offset :]:
        rules = state.rules_version
        for event in step(state, command_in(value, rules), offset=state.next_offset, time=time):
            encoded, digest = encode_and_chain(event, digest, rules)
            values.append(encoded)
    return values


def test_two_ledgers_that_differ_only_in_rules_version_have_different_digests() -> None:
    one, other = genesis(0, 1), genesis(0, 1)
    other.rules_version = 2
    assert state_digest(one) != state_digest(other)


def test_code_without_the_activated_version_stops_before_the_activation_and_changes_nothing() -> None:
    state = replayed(activating_commands()[:AT]).state
    before = state_digest(state)
    time, value = activating_commands()[AT]
    with pytest.raises(RulesUnknown, match=r"rules version 2 begins here.*has up to 1: start a newer one"):
        step(state, command_in(value), offset=AT, time=time)
    assert state_digest(state) == before
    with second_rules():
        (event,) = step(state, command_in(value), offset=AT, time=time)
        assert isinstance(event, RulesActivated)


def test_core_audit_api_and_schemas_have_the_same_rules_versions() -> None:
    """The core has the rules, the audit its own arithmetic of them, and the API the number of the newest."""
    assert list(RULES) == list(range(1, newest_rules() + 1)) == list(arithmetic.RULES)
    assert newest_rules() == codec.RULES_VERSION
    assert (
        max(int(folder.name) for folder in codec.schema_files().iterdir() if folder.name.isdecimal()) <= newest_rules()
    )
