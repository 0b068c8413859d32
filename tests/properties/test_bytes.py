"""Any bytes on the commands topic are a command or NOT_DECODABLE; nothing else happens."""

from contextlib import suppress

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.rules import RulesUnknown, newest_rules
from schemas.codec import MARKER, NotDecodable, codec, decode_command, encode_command
from schemas.commands import ActivateRules, Command
from schemas.rejections import Rejection
from tests.properties.messages import commands
from tests.spec.checks import refused
from tests.spec.exchange import RULES
from tests.spec.language import deposit, sent
from tests.spec.language import given as given_
from tests.spec.ledger_checks import cash

SETTINGS = settings(max_examples=300, derandomize=True, deadline=None)


def read(value: bytes | None) -> Command | None:
    """Give the command, or null where it cannot be decoded, as the shell does."""
    try:
        return decode_command(value)
    except NotDecodable:
        return None


def send(command: Command | None) -> None:
    """Send it to a shard; it gives an event, unless it activates the next rules, which only newer code has."""
    token = RULES.set(newest_rules())
    exchange = given_(deposit(5)).exchange
    RULES.reset(token)
    try:
        assert exchange.send(command)
    except RulesUnknown:
        assert isinstance(command, ActivateRules)
        assert command.version == newest_rules() + 1
    exchange.check()


@SETTINGS
@given(st.binary(max_size=200))
def test_cmd_01_arbitrary_bytes_are_not_decodable(value: bytes) -> None:
    assert read(value) is None


@SETTINGS
@given(prefix=st.sampled_from(sorted(codec().commands)), body=st.binary(max_size=120))
def test_cmd_01_arbitrary_bodies_behind_a_known_fingerprint_are_commands_or_not_decodable(
    prefix: bytes, body: bytes
) -> None:
    read(prefix + body)


@SETTINGS
@given(
    command=commands,
    change=st.tuples(st.integers(0, 10**6), st.integers(0, 255)),
    cut=st.one_of(st.none(), st.integers(0, 10**6)),
    more=st.binary(max_size=3),
)
def test_cmd_01_a_corrupted_command_is_another_command_or_not_decodable(
    command: Command, change: tuple[int, int], cut: int | None, more: bytes
) -> None:
    value = bytearray(encode_command(command))
    value[change[0] % len(value)] = change[1]
    damaged = bytes(value[: None if cut is None else cut % len(value)]) + more
    found = read(damaged)
    send(found)


@SETTINGS
@given(command=commands)
def test_cmd_01_any_well_formed_command_gives_an_event(command: Command) -> None:
    send(command)


def test_cmd_01_null_and_empty_values_are_not_decodable() -> None:
    assert read(None) is None
    assert read(b"") is None
    with suppress(msgspec.ValidationError):
        assert read(MARKER) is None
    given_(deposit(5)).when(sent(None)).then(refused(Rejection.NOT_DECODABLE), cash(5))
