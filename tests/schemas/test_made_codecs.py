"""The codecs that are made write and read Avro: fastavro, which interprets the schema each time, agrees."""

from io import BytesIO
from typing import Any, get_args

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st
from librt.strings import BytesWriter

from schemas.avro_files import released_schemas
from schemas.codec import (
    PREFIX_SIZE,
    RULES_VERSION,
    NotDecodable,
    decode_command,
    encode_and_chain,
    encode_command,
    version_of,
)
from schemas.commands import Command, UpdatePrices
from schemas.events import Event
from schemas.messages import Tick
from schemas.plain_data import from_builtins
from schemas.record import Record, fields_of, replace
from schemas.units import INT64_MAX, Ticks, Timestamp
from schemas.wire import read_long, write_long
from tests.properties.messages import commands, events

SETTINGS = settings(max_examples=300, derandomize=True, deadline=None)
PRICES = UpdatePrices(
    feed="simulated",
    run="r",
    sent_at=1,
    ticks=(
        Tick(symbol="A", bid=Ticks(1), ask=Ticks(2), low=3, high=3, source_time=Timestamp(4), update_id=5),
        Tick(symbol="B", bid=Ticks(6), ask=Ticks(7), low=13, high=13, source_time=Timestamp(8), update_id=9),
    ),
    alive=("C",),
)


def schema_of(message: Command | Event) -> Any:
    """Give the newest schema of an event, and of a command the one that its value names."""
    released = released_schemas(type(message).__name__)
    version = version_of(encode_command(message)) if isinstance(message, get_args(Command)) else max(released)
    return parse_schema(released[version or 0])


def plain(message: Command | Event) -> Any:
    """Give a message's fields as fastavro takes them, for which a tuple in a union names its branch."""
    return plain_value(message)


def plain_value(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: plain_value(each) for name, each in fields_of(value).items()}
    return [plain_value(each) for each in value] if isinstance(value, tuple | list) else value


def written(schema: Any, fields: dict[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, schema, fields)
    return out.getvalue()


@SETTINGS
@given(command=commands)
def test_codecs_encode_a_command_as_fastavro_does(command: Command) -> None:
    assert encode_command(command)[PREFIX_SIZE:] == written(schema_of(command), plain(command))


@SETTINGS
@given(event=events)
def test_codecs_treat_an_event_as_fastavro_does(event: Event) -> None:
    schema, (value, digest) = schema_of(event), encode_and_chain(event, bytes(16), RULES_VERSION)
    fields = plain(event) | {"digest": digest}
    assert value[PREFIX_SIZE:] == written(schema, fields)
    found: Any = schemaless_reader(BytesIO(value[PREFIX_SIZE:]), schema, None)
    assert found.pop("digest") == digest
    assert from_builtins(found, type(event), keep_bytes=True) == event


@SETTINGS
@given(number=st.integers(-INT64_MAX - 1, INT64_MAX))
def test_codecs_encode_a_number_as_fastavro_does(number: int) -> None:
    assert long_bytes(number) == written("long", number)  # type: ignore[arg-type]  # A primitive schema is a name.


@pytest.mark.parametrize("number", [INT64_MAX + 1, -INT64_MAX - 2, 10**30])
def test_a_number_beyond_64_bits_is_not_written(number: int) -> None:
    with pytest.raises(OverflowError):
        long_bytes(number)


def test_an_array_of_several_blocks_with_and_without_block_sizes_is_read() -> None:
    """Avro lets a writer cut an array into blocks, and put a block's size in bytes behind its negated count."""
    value = encode_command(PRICES)
    first, second = (written(parse_schema(tick_schema()), fields_of(tick)) for tick in PRICES.ticks)
    whole = long_bytes(2) + first + second + long_bytes(0)
    assert whole in value
    cut = long_bytes(-1) + long_bytes(len(first)) + first + long_bytes(1) + second + long_bytes(0)
    assert decode_command(value.replace(whole, cut)) == PRICES


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff" * 11 + b"\x01",  # a number of twelve bytes
        b"\xff" * 9 + b"\x7f",  # a number of 70 bits
        b"\x01",  # a length of -1
        b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length beyond any memory
    ],
)
def test_a_string_with_an_impossible_length_is_not_decodable(bad: bytes) -> None:
    value = encode_command(PRICES)
    with pytest.raises(NotDecodable):
        decode_command(value[:PREFIX_SIZE] + bad + value[PREFIX_SIZE + 1 :])


@pytest.mark.parametrize("number", [0, 1, 5, 127, 2**31, INT64_MAX, -1, -(2**40), -INT64_MAX - 1])
@pytest.mark.parametrize("extra", [1, 2, 5])
def test_a_number_in_more_bytes_than_it_needs_is_read(number: int, extra: int) -> None:
    """Avro does not forbid it, and a command that came so must replay as it did."""
    shortest = long_bytes(number)
    longer = shortest[:-1] + bytes([shortest[-1] | 0x80]) + b"\x80" * (extra - 1) + b"\0"
    if len(longer) > 10:
        with pytest.raises(ValueError, match="more than ten bytes"):
            read_long(longer, 0)
    else:
        assert read_long(longer, 0) == (number, len(longer))


@pytest.mark.parametrize("branch", [b"\x82\0", b"\x82\x80\0"])
def test_a_branch_in_more_bytes_than_it_needs_is_read(branch: bytes) -> None:
    value = encode_command(replace(PRICES, marks=()))
    assert value.endswith(b"\x02\0"), "the last field is an empty list behind its branch"
    assert decode_command(value[:-2] + branch + b"\0") == replace(PRICES, marks=())


def long_bytes(number: int) -> bytes:
    out = BytesWriter()
    write_long(out, number)
    return out.getvalue()


def tick_schema() -> Any:
    fields = released_schemas("UpdatePrices")[1]["fields"]
    return next(field["type"]["items"] for field in fields if field["name"] == "ticks")
