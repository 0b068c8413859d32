"""Messages become bytes and back: Avro's single-object encoding, and a chain of digests."""

from hashlib import blake2b
from io import BytesIO

import pytest
from fastavro import parse_schema, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro_files import released_schemas
from schemas.codec import (
    MARKER,
    PREFIX_SIZE,
    RULES_VERSION,
    NotDecodable,
    codec,
    decode_command,
    decode_event,
    digest_of,
    encode_and_chain,
    encode_command,
    expected_digest,
    first_digest,
    seq_of,
)
from schemas.commands import Command, Deposit
from schemas.events import Deposited, Event, EventHeader
from schemas.messages import Leg
from schemas.record import replace
from schemas.units import Micros, Timestamp
from tests.properties.messages import commands, events

SETTINGS = settings(max_examples=300, derandomize=True, deadline=None)
DEPOSIT = Deposit(command_id="c", account_id="a", amount=-1)
EMPTY_CRC = 0xC15D213AA4D7A795


def crc_64_avro(data: bytes) -> int:
    """The fingerprint of the Avro specification, from its own pseudo-code."""
    table = []
    for start in range(256):
        value = start
        for _ in range(8):
            value = (value >> 1) ^ (EMPTY_CRC if value & 1 else 0)
        table.append(value)
    found = EMPTY_CRC
    for byte in data:
        found = (found >> 8) ^ table[(found ^ byte) & 0xFF]
    return found


@SETTINGS
@given(command=commands)
def test_a_command_is_the_same_after_encoding_and_decoding(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@SETTINGS
@given(event=events, previous=st.binary(min_size=16, max_size=16))
def test_an_event_is_the_same_after_encoding_and_decoding_and_carries_the_expected_digest(
    event: Event, previous: bytes
) -> None:
    value, digest = encode_and_chain(event, previous, RULES_VERSION)
    assert decode_event(value) == event
    assert digest_of(value) == digest == expected_digest(value, previous)


@SETTINGS
@given(event=events, fingerprint=st.binary(min_size=8, max_size=8))
def test_seq_and_digest_of_an_event_are_read_even_under_an_unknown_schema(event: Event, fingerprint: bytes) -> None:
    """They are the first field and the last of every schema, so older code finds where newer code has stopped."""
    event = replace(event, seq=abs(event.seq) % 2**62)
    value, digest = encode_and_chain(event, bytes(16), RULES_VERSION)
    later = MARKER + fingerprint + value[PREFIX_SIZE:]
    assert (seq_of(later), digest_of(later)) == (event.seq, digest)


@pytest.mark.parametrize("value", [b"", MARKER, MARKER + bytes(8), b"\xc3\x02" + bytes(30)])
def test_bytes_without_a_header_have_no_number(value: bytes) -> None:
    with pytest.raises(NotDecodable):
        seq_of(value)


def test_the_fingerprint_is_the_specification_s() -> None:
    """Known values: the empty text, and the schemas "null" and "int" of Avro's own test data."""
    assert crc_64_avro(b"") == EMPTY_CRC
    assert crc_64_avro(b'"null"') == 0x63DD24E7CC258F8A
    assert crc_64_avro(b'"int"') == 0x7275D51A3F395C8F


def test_a_value_begins_with_c3_01_and_the_fingerprint_in_little_endian_order() -> None:
    schema = released_schemas("Deposit")[1]
    canonical = to_parsing_canonical_form(parse_schema(schema))
    value = encode_command(DEPOSIT)
    assert value[:2] == b"\xc3\x01" == MARKER
    assert value[2:PREFIX_SIZE] == crc_64_avro(canonical.encode()).to_bytes(8, "little")
    assert value[2:PREFIX_SIZE].hex() == fingerprint(canonical, "CRC-64-AVRO")


def test_a_body_is_avro_s_binary_encoding() -> None:
    """Strings behind their length, null as branch 0, -1 as zig-zag 1."""
    assert encode_command(DEPOSIT)[PREFIX_SIZE:] == b"\x02c" + b"\x02a" + b"\x00" + b"\x01"


def test_a_digest_is_blake2b_over_the_previous_digest_and_the_value_without_its_digest() -> None:
    event = Deposited(
        EventHeader(
            seq=1,
            account_seq=1,
            command_offset=0,
            index=0,
            command_id="c",
            command_hash=bytes(16),
            account_id="a",
            time=Timestamp(1),
        ),
        amount=Micros(5),
        legs=(Leg(source="EXTERNAL", target="CASH", amount=Micros(5)),),
    )
    first = blake2b(b"reprise/3", digest_size=16).digest()
    assert first_digest(3) == first
    value, digest = encode_and_chain(event, first, 1)
    assert value[-16:] == digest == blake2b(first + value[:-16], digest_size=16).digest()
    assert encode_and_chain(event, digest, 1)[1] != digest


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xc3",
        b"\xc3\x01",
        MARKER + bytes(7),
        MARKER + bytes(8),
        b"\xc3\x02" + encode_command(DEPOSIT)[2:],
        encode_command(DEPOSIT)[:-1],
        encode_command(DEPOSIT) + b"\x00",
        encode_command(DEPOSIT)[:PREFIX_SIZE],
        b'{"command_id": "c"}',
    ],
)
def test_bytes_that_are_no_message_are_not_decodable(value: bytes | None) -> None:
    with pytest.raises(NotDecodable):
        decode_command(value)


def test_a_command_is_no_event_and_an_event_no_command() -> None:
    with pytest.raises(NotDecodable):
        decode_event(encode_command(DEPOSIT))
    assert not codec().commands.keys() & codec().events.keys()


def test_a_message_of_another_schema_is_not_decodable() -> None:
    schema = parse_schema({"type": "record", "name": "Other", "fields": [{"name": "a", "type": "long"}]})
    out = BytesIO()
    schemaless_writer(out, schema, {"a": 1})
    mark = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    with pytest.raises(NotDecodable):
        decode_command(MARKER + mark + out.getvalue())
