"""What the log made of the commands that only somebody with a role may send: money in and out, and broadcasts."""

from collections.abc import Sequence
from typing import Final, assert_never, get_args

from runtime.kafka import LogRecord
from schemas.codec import PREFIX_SIZE, NotDecodable, decode_event, prefixes_of
from schemas.event_groups import BroadcastEvent
from schemas.events import (
    AccountLimitsSet,
    ClockSet,
    CommandRejected,
    Deposited,
    InstrumentsDefined,
    MarketStatusSet,
    RulesActivated,
    Withdrawn,
)

MONEY: Final = {"Deposit": "deposit", "Withdraw": "withdrawal"}  # what the commands are called in a row

MoneyOutcome = Deposited | Withdrawn | CommandRejected
LookedAt = MoneyOutcome | BroadcastEvent


class ActOutcomes:
    """What became of the commands that only somebody with a role may send, by command id and by broadcast."""

    def __init__(self) -> None:
        self.money: dict[str, MoneyOutcome] = {}
        self.broadcasts: dict[str, BroadcastEvent] = {}
        self.refused_broadcasts: set[str] = set()
        self._prefixes = prefixes_of(*get_args(LookedAt))

    def take(self, records: Sequence[LogRecord]) -> None:
        """Take in events; the others are not even read, and who folds them all names what cannot be."""
        for record in records:
            if record.value[:PREFIX_SIZE] not in self._prefixes:
                continue
            try:
                event = decode_event(record.value)
            except NotDecodable:
                continue
            if isinstance(event, BroadcastEvent):
                self.broadcasts.setdefault(event.broadcast, event)
            elif not isinstance(event, CommandRejected):
                assert isinstance(event, Deposited | Withdrawn), "no other event has such a prefix"
                self.money.setdefault(str(event.command_id), event)
            elif event.command in MONEY:
                self.money.setdefault(str(event.command_id), event)
            elif event.account_id is None and event.command_id is not None:
                self.refused_broadcasts.add(event.command_id)


def said_by_log(event: BroadcastEvent) -> object:
    """Give what a broadcast says, by its event."""
    match event:
        case InstrumentsDefined():
            return event.instruments
        case MarketStatusSet():
            return (event.symbol, event.status)
        case RulesActivated():
            return event.version
        case AccountLimitsSet():
            return event.positions_max
        case ClockSet():
            return "the broker's clock"
        case _:
            assert_never(event)
