"""A new event is in the groups it belongs to: so that no code that asks for a group misses it."""

from typing import Any, get_args

import pytest

from schemas.command_groups import PositionCommand
from schemas.commands import Command
from schemas.event_groups import BroadcastEvent, FillEvent, MarketEvent, MoneyEvent, OtherEvent, PositionEvent
from schemas.events import Event
from schemas.record import field_names
from schemas.venue import STATUS_AFTER
from schemas.venue_messages import VenueCancelReceived, VenueCancelRejected, VenueOrderEvent


def members_with(union: Any, field: str) -> set[type]:
    """Give the messages of a union that have a field."""
    return {message for message in get_args(union) if field in field_names(message)}


def test_every_event_is_in_exactly_one_group_money_market_or_neither() -> None:
    grouped = [*get_args(MoneyEvent), *get_args(MarketEvent), *get_args(OtherEvent)]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(get_args(Event))


@pytest.mark.parametrize(
    ("union", "group", "field"),
    [
        (Event, MoneyEvent, "legs"),
        (Event, PositionEvent, "position_id"),
        (Event, FillEvent, "tick_offset"),
        (Event, BroadcastEvent, "broadcast"),
        (Command, PositionCommand, "position_id"),
    ],
)
def test_a_group_has_exactly_the_messages_with_its_field(union: Any, group: Any, field: str) -> None:
    assert set(get_args(group)) == members_with(union, field)


def test_an_order_has_a_status_after_every_event_but_those_about_its_cancellation() -> None:
    assert {*STATUS_AFTER, VenueCancelReceived, VenueCancelRejected} == set(get_args(VenueOrderEvent))
