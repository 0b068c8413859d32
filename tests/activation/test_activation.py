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
from schemas.avro_files import schema_files
from schemas.codec import (
    NotDecodable,
    command_in,
    decode_event,
    digest_of,
    encode_and_chain,
    expected_digest,
    seq_of,
    version_of,
)
from schemas.events import AllClosed, EventHeader, InstrumentsDefined, PricesUpdated, RulesActivated
from schemas.messages import Tick
from schemas.units import SECOND, Timestamp
from tests.activating import older_code
from tests.activation.log import AT, activating_commands, recorded_commands
from tests.golden.test_recorded_log import recorded
from tests.properties.test_copying import copy_of
from tests.replaying import Replay, execute

BEFORE = len(list(takewhile(lambda event: event.command_offset < AT, recorded().events)))


def replayed(commands: list[tuple[int, bytes]]) -> Replay:
    return execute(0, 1, commands, laws_every=50)


@pytest.fixture
def activated() -> Replay:
    """The log with the activation, executed."""
    return replayed(activating_commands())


def test_before_the_activation_every_byte_is_what_code_with_version_1_alone_writes(activated: Replay) -> None:
    with older_code():
        before = replayed(recorded_commands()[:AT])
    assert len(before.values) == BEFORE > 300
    assert activated.values[:BEFORE] == before.values == recorded().values[:BEFORE]
    assert activated.values[BEFORE:] != recorded().values[BEFORE:]


def test_the_activation_event_is_written_with_the_schema_of_the_previous_version(activated: Replay) -> None:
    event = activated.events[BEFORE]
    assert isinstance(event, RulesActivated)
    assert (event.version, event.command_offset, event.index) == (2, AT, 0)
    assert {version_of(value) for value in activated.values[: BEFORE + 1]} == {1}


def test_a_new_rule_and_a_new_field_begin_with_the_command_after_the_activation(activated: Replay) -> None:
    """PRICE-23, which a tick's range shows; and how old a price may be, of an instrument."""
    old: list[Tick] = []
    new: list[Tick] = []
    for event in activated.events:
        if isinstance(event, PricesUpdated):
            (new if event.command_offset > AT else old).extend(event.accepted)
    assert all(tick.low < tick.bid + tick.ask < tick.high for tick in old)
    assert all(tick.low == tick.bid + tick.ask == tick.high for tick in new)
    assert min(len(old), len(new)) > 100
    defined = [event.instruments for event in activated.events if isinstance(event, InstrumentsDefined)]
    assert [{instrument.open_age_max for instrument in each} for each in defined] == [{None}, {3 * SECOND}]


def test_an_event_has_the_schema_of_its_command_s_rules_and_decodes_to_the_same_event(activated: Replay) -> None:
    for value, event in zip(activated.values, activated.events, strict=True):
        assert version_of(value) == (2 if isinstance(event, InstrumentsDefined) and event.command_offset > AT else 1)
        assert decode_event(value) == event


def test_an_event_of_the_old_schema_is_read_with_the_new_field_null(activated: Replay) -> None:
    """By newer code: of the bytes that code of version 1 alone has written."""
    with older_code():
        written = replayed(recorded_commands()[:AT]).values
    assert [decode_event(value) for value in written] == activated.events[:BEFORE]


def test_older_code_cannot_read_an_event_of_a_newer_schema_but_its_number_and_digest(activated: Replay) -> None:
    value, event = activated.values[BEFORE + 1], activated.events[BEFORE + 1]
    assert isinstance(event, InstrumentsDefined)
    with older_code():
        with pytest.raises(NotDecodable, match="no message of this topic has a schema with fingerprint"):
            decode_event(value)
        assert seq_of(value) == event.seq
        assert digest_of(value) == expected_digest(value, digest_of(activated.values[BEFORE]))


def test_an_event_of_a_new_kind_cannot_be_encoded_before_its_version() -> None:
    event = AllClosed(EventHeader(1, None, 0, 0, None, None, None, Timestamp(1)), symbol=None, positions=0, left=())
    value, _ = encode_and_chain(event, bytes(16), 2)
    assert (version_of(value), decode_event(value)) == (2, event)
    with pytest.raises(KeyError):
        encode_and_chain(event, bytes(16), 1)


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
    with (
        older_code(),
        pytest.raises(RulesUnknown, match=r"rules version 2 begins here.*has up to 1: start a newer one"),
    ):
        step(state, command_in(value, 1), offset=AT, time=time)
    assert state_digest(state) == before
    (event,) = step(state, command_in(value, 1), offset=AT, time=time)
    assert isinstance(event, RulesActivated)


def test_core_audit_api_and_schemas_have_the_same_rules_versions() -> None:
    """The core has the rules, the audit its own arithmetic of them, and the API the number of the newest."""
    assert list(RULES) == list(range(1, newest_rules() + 1)) == list(arithmetic.RULES)
    assert newest_rules() == codec.RULES_VERSION
    assert max(int(folder.name) for folder in schema_files().iterdir() if folder.name.isdecimal()) <= newest_rules()
