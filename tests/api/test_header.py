"""The header of an event, read without the rest."""

from typing import Any

import pytest

from schemas.codec import encode_and_chain, event_type_of, first_digest, header_of
from schemas.events import CommandRejected, Event, EventHeader, FeedKept, PricesUpdated, Withdrawn
from schemas.record import field_names, fields_of
from schemas.units import Micros

KNOWN: dict[str, Any] = {
    "seq": 2**40,
    "account_seq": 7,
    "command_offset": 12,
    "index": 0,
    "command_id": "id",
    "command_hash": b"\x01" * 16,
    "account_id": "account",
    "time": 1_700_000_000_000_000,
}
NOBODYS = KNOWN | {"account_seq": None, "command_id": None, "command_hash": None, "account_id": None}

EVENTS: tuple[Event, ...] = (
    FeedKept(EventHeader(**KNOWN), name="backpack", run="live"),
    FeedKept(EventHeader(**NOBODYS), name="backpack", run="live"),
    CommandRejected(EventHeader(**KNOWN), command="Deposit", rejection=10),
    CommandRejected(EventHeader(**NOBODYS), command=None, rejection=1),
    Withdrawn(EventHeader(**KNOWN), amount=Micros(5), legs=()),
    PricesUpdated(
        EventHeader(**NOBODYS),
        feed="simulated",
        run="1",
        sent_at=5,
        clock_suspect=False,
        accepted=(),
        alive=("A",),
        refused=(),
    ),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_header_reader_gives_the_header_and_type_of_the_event(event: Event) -> None:
    value, _ = encode_and_chain(event, first_digest(0), 1)
    header = header_of(value)
    assert fields_of(header) == {name: getattr(event, name) for name in field_names(EventHeader)}
    assert event_type_of(value) is type(event)
