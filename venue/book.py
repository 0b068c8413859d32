"""What the worker knows of every order: folded from its own events, and from nothing else."""

import asyncio
from decimal import Decimal
from enum import StrEnum

from schemas.venue import (
    VenueCancelReceived,
    VenueCancelRejected,
    VenueCommandRejected,
    VenueEvent,
    VenueOrder,
    VenueOrderAbandoned,
    VenueOrderAccepted,
    VenueOrderCancelled,
    VenueOrderEvent,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderLost,
    VenueOrderPartiallyFilled,
    VenueOrderReceived,
    VenueOrderRejected,
    VenueOrderSubmitted,
    VenueOrderUnknown,
    VenueReset,
)


class Stand(StrEnum):
    """Where an order stands."""

    RECEIVED = "received"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    LOST = "lost"
    ABANDONED = "abandoned"


UNDECIDED = frozenset({Stand.RECEIVED, Stand.SUBMITTED, Stand.UNKNOWN})
RESTING = frozenset({Stand.ACCEPTED, Stand.PARTIALLY_FILLED})


class Account:
    """What is known of an account at the venue. era: how many resets it has seen; accepted: orders of this era."""

    def __init__(self, account_id: str, partition: int) -> None:
        self.account_id = account_id
        self.partition = partition
        self.era = 0
        self.accepted: list[Entry] = []
        self.lock = asyncio.Lock()


class Entry:
    """One order. The lock is held by whoever works on it, through all its questions to the venue."""

    def __init__(self, account: Account, order: VenueOrder, deadline: int) -> None:
        self.account = account
        self.order = order
        self.deadline = deadline
        self.stand = Stand.RECEIVED
        self.attempt = 0
        self.sent_at = 0
        self.window_ms = 0
        self.era = account.era
        self.has_witness = False  # the venue had an older order of the account when this one was sent
        self.venue_order_id: int | None = None
        self.accepted_at = 0
        self.executed = Decimal(0)
        self.quote = Decimal(0)
        self.trade_ids: set[int] = set()
        self.is_cancelling = False
        self.in_vain_since: int | None = None  # from then on every question about it was refused, or had no keys
        self.lock = asyncio.Lock()

    @property
    def is_final(self) -> bool:
        return self.stand not in UNDECIDED and self.stand not in RESTING


class Book:
    """Every order by account and id, and how far each partition's commands are taken up."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.entries: dict[tuple[str, str], Entry] = {}
        self.open: dict[tuple[str, str], Entry] = {}
        self.next_offsets: dict[int, int] = {}
        self.seqs: dict[int, int] = {}

    def account(self, account_id: str, partition: int) -> Account:
        """Give an account, from its first mention on."""
        found = self.accounts.get(account_id)
        if found is None:
            found = self.accounts[account_id] = Account(account_id, partition)
        return found

    def apply(self, partition: int, event: VenueEvent) -> None:
        """Take in an event that is in the log."""
        self.seqs[partition] = event.seq
        if event.command_offset is not None:
            self.next_offsets[partition] = event.command_offset + 1
        if isinstance(event, VenueCommandRejected):
            return
        assert event.account_id is not None, "only a command that could not be read is nobody's"
        account = self.account(event.account_id, partition)
        if isinstance(event, VenueReset):
            account.era += 1
            account.accepted = [
                entry for entry in account.accepted if entry.order.order_id in event.surviving_order_ids
            ]
            for survivor in account.accepted:
                survivor.era = account.era
            return
        key = (account.account_id, event.order.order_id)
        if isinstance(event, VenueOrderReceived):
            self.entries[key] = self.open[key] = Entry(account, event.order, event.deadline)
            return
        entry = self.entries[key]
        _change(entry, event)
        if entry.is_final:
            self.open.pop(key, None)
            entry.trade_ids.clear()


def _change(entry: Entry, event: VenueOrderEvent) -> None:
    match event:
        case VenueOrderReceived():
            raise AssertionError("it begins an order")
        case VenueOrderSubmitted():
            entry.stand, entry.era = Stand.SUBMITTED, entry.account.era
            entry.has_witness = bool(entry.account.accepted)
            entry.attempt, entry.sent_at, entry.window_ms = event.attempt, event.sent_at, event.receive_window
        case VenueOrderUnknown():
            entry.stand = Stand.UNKNOWN
        case VenueOrderAccepted():
            entry.stand, entry.era = Stand.ACCEPTED, entry.account.era
            entry.venue_order_id, entry.accepted_at = event.venue_order_id, event.time
            entry.account.accepted.append(entry)
        case VenueOrderPartiallyFilled() | VenueOrderFilled():
            entry.stand = Stand.FILLED if isinstance(event, VenueOrderFilled) else Stand.PARTIALLY_FILLED
            entry.executed, entry.quote = Decimal(event.executed_quantity), Decimal(event.executed_quote)
            entry.trade_ids |= {trade.trade_id for trade in event.trades}
        case VenueOrderCancelled():
            entry.stand = Stand.CANCELLED
        case VenueOrderExpired():
            entry.stand = Stand.EXPIRED
        case VenueOrderRejected():
            entry.stand = Stand.REJECTED
        case VenueOrderLost():
            entry.stand = Stand.LOST
        case VenueOrderAbandoned():
            entry.stand = Stand.ABANDONED
        case VenueCancelReceived():
            entry.is_cancelling = True
        case VenueCancelRejected():
            entry.is_cancelling = False
