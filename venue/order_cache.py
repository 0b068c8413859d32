"""What the worker knows of every order: folded from its own events, and from nothing else."""

import asyncio
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from schemas.venue_messages import (
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


class OrderStatus(StrEnum):
    """The state of an order, as its last event left it."""

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


IN_FLIGHT = frozenset({OrderStatus.RECEIVED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})
RESTING = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


class VenueAccount:
    """What is known of an account at the venue. epoch: how many resets it has seen; accepted: orders of this epoch."""

    def __init__(self, account_id: str, partition: int) -> None:
        self.account_id = account_id
        self.partition = partition
        self.epoch = 0
        self.accepted: list[CachedOrder] = []
        self.lock = asyncio.Lock()


class CachedOrder:
    """One order. The task that works on it holds the lock through all its requests to the venue."""

    def __init__(self, account: VenueAccount, order: VenueOrder, deadline: int) -> None:
        self.account = account
        self.order = order
        self.deadline = deadline
        self.status = OrderStatus.RECEIVED
        self.attempt = 0
        self.sent_at = 0
        self.window_ms = 0
        self.epoch = account.epoch
        self.has_older_order = False  # the venue had an older order of the account when this one was sent
        self.venue_order_id: int | None = None
        self.accepted_at = 0
        self.executed = Decimal(0)
        self.quote = Decimal(0)
        self.trade_ids: set[int] = set()
        self.is_cancelling = False
        self.unanswered_since: int | None = None  # since then every query was refused, or had no keys
        self.lock = asyncio.Lock()

    @property
    def is_final(self) -> bool:
        return self.status not in IN_FLIGHT and self.status not in RESTING


class OrderCache:
    """Every order by account and id, and the next command offset of each partition."""

    def __init__(self) -> None:
        self.accounts: dict[str, VenueAccount] = {}
        self.orders: dict[tuple[str, str], CachedOrder] = {}
        self.open_orders: dict[tuple[str, str], CachedOrder] = {}
        self.next_offsets: dict[int, int] = {}
        self.seqs: dict[int, int] = {}

    def account(self, account_id: str, partition: int) -> VenueAccount:
        """Give an account, from its first mention on."""
        found = self.accounts.get(account_id)
        if found is None:
            found = self.accounts[account_id] = VenueAccount(account_id, partition)
        return found

    def apply(self, partition: int, event: VenueEvent) -> None:
        """Apply a committed event."""
        self.seqs[partition] = event.seq
        if event.command_offset is not None:
            self.next_offsets[partition] = event.command_offset + 1
        if isinstance(event, VenueCommandRejected):
            return
        assert event.account_id is not None, "only a command that could not be read is nobody's"
        account = self.account(event.account_id, partition)
        if isinstance(event, VenueReset):
            account.epoch += 1
            account.accepted = [
                cached for cached in account.accepted if cached.order.order_id in event.surviving_order_ids
            ]
            for survivor in account.accepted:
                survivor.epoch = account.epoch
            return
        key = (account.account_id, event.order.order_id)
        if isinstance(event, VenueOrderReceived):
            self.orders[key] = self.open_orders[key] = CachedOrder(account, event.order, event.deadline)
            return
        cached = self.orders[key]
        _apply_to_order(cached, event)
        if cached.is_final:
            self.open_orders.pop(key, None)
            cached.trade_ids.clear()


def _apply_to_order(cached: CachedOrder, event: VenueOrderEvent) -> None:
    match event:
        case VenueOrderReceived():
            raise AssertionError("it begins an order")
        case VenueOrderSubmitted():
            cached.status, cached.epoch = OrderStatus.SUBMITTED, cached.account.epoch
            cached.has_older_order = bool(cached.account.accepted)
            cached.attempt, cached.sent_at, cached.window_ms = event.attempt, event.sent_at, event.receive_window
        case VenueOrderUnknown():
            cached.status = OrderStatus.UNKNOWN
        case VenueOrderAccepted():
            cached.status, cached.epoch = OrderStatus.ACCEPTED, cached.account.epoch
            cached.venue_order_id, cached.accepted_at = event.venue_order_id, event.time
            cached.account.accepted.append(cached)
        case VenueOrderPartiallyFilled() | VenueOrderFilled():
            cached.status = OrderStatus.FILLED if isinstance(event, VenueOrderFilled) else OrderStatus.PARTIALLY_FILLED
            cached.executed, cached.quote = Decimal(event.executed_quantity), Decimal(event.executed_quote)
            cached.trade_ids |= {trade.trade_id for trade in event.trades}
        case VenueOrderCancelled():
            cached.status = OrderStatus.CANCELLED
        case VenueOrderExpired():
            cached.status = OrderStatus.EXPIRED
        case VenueOrderRejected():
            cached.status = OrderStatus.REJECTED
        case VenueOrderLost():
            cached.status = OrderStatus.LOST
        case VenueOrderAbandoned():
            cached.status = OrderStatus.ABANDONED
        case VenueCancelReceived():
            cached.is_cancelling = True
        case VenueCancelRejected():
            cached.is_cancelling = False
        case _:
            assert_never(event)
