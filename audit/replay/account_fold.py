"""How the core folds one account's part of a shard's ledger: what is of others is passed over, mostly unread."""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Final, get_args

from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.reports import CORE_ERRORS
from engine.core.apply import apply
from engine.core.state import genesis
from engine.core.triggers import NoTriggers
from runtime.kafka import LogRecord
from schemas.codec import PREFIX_SIZE, NotDecodable, decode_event, prefixes_of, seq_of
from schemas.events import AccountOpened, Event, PositionOpened, PricesUpdated, TickHeld
from schemas.ledger_records import Account, Quote
from schemas.record import replace

PriceEvent = PricesUpdated | TickHeld
PRICE_EVENTS: Final[tuple[type[PriceEvent], ...]] = get_args(PriceEvent)


class AccountFold:
    """The ledger of one account as its events make it, and the prices of what it holds.

    It is the account of the whole shard's ledger to the last unit: no event of another account changes it. Prices are
    only followed while a position is open. price_time: of the last price of a symbol that the account held (µs).
    """

    def __init__(self, shard: int, shards: int, account_id: str) -> None:
        self.account_id = account_id
        self.state = genesis(shard, shards)
        self.state.triggers = NoTriggers()
        self.price_time = 0
        self._key = account_id.encode()

    @property
    def account(self) -> Account | None:
        """The account; null before it is opened."""
        return self.state.accounts.get(self.account_id)

    @property
    def held(self) -> frozenset[str]:
        """The symbols in which it has a position."""
        account = self.account
        return frozenset() if account is None else frozenset(each.symbol for each in account.positions.values())

    def copy(self) -> "AccountFold":
        """Give one that goes on by itself."""
        return deepcopy(self)

    def read(self, record: LogRecord) -> Event | None:
        """Give a record's event where it concerns the account, else pass over it. Nothing is changed by an event yet.

        Raises LogUnreadable where the events do not follow each other.
        """
        value = record.value
        try:
            seq = seq_of(value)
            if seq != self.state.seq + 1:
                raise self._unreadable(record, f"event {seq} stands where {self.state.seq + 1} comes next")
            if record.key not in {None, self._key} or (
                value[:PREFIX_SIZE] in price_prefixes() and not self._has_positions()
            ):
                event = None
            else:
                event = decode_event(value)
        except NotDecodable as error:
            raise self._unreadable(record, str(error)) from error
        if event is None or event.account_id not in {None, self.account_id}:
            self.state.seq = seq
            return None
        return event

    def apply(self, event: Event, record: LogRecord) -> None:
        """Make the ledger what it is after an event that was read."""
        state = self.state
        try:
            if isinstance(event, PositionOpened):
                self._take_quote(event)
            elif isinstance(event, PricesUpdated):
                # A symbol that was never held has no quote here, so nothing of it is alive.
                known = tuple(symbol for symbol in event.alive if state.markets[symbol].quote is not None)
                event = replace(event, alive=known) if len(known) < len(event.alive) else event
            account = self.account
            if account is not None and event.account_seq is not None and event.account_seq != account.seq + 1:
                raise self._unreadable(
                    record, f"event {event.account_seq} of account {self.account_id} follows {account.seq}"
                )
            apply(state, event)
        except CORE_ERRORS as error:
            raise self._unreadable(record, repr(error)) from error

    def _has_positions(self) -> bool:
        account = self.account
        return account is not None and bool(account.positions)

    def _take_quote(self, event: PositionOpened) -> None:
        """Take the tick that a position opens at, which was not followed while nothing was held."""
        market = self.state.markets[event.symbol]
        if market.quote is None or market.quote.offset != event.tick_offset:
            market.quote = Quote(
                bid=event.bid,
                ask=event.ask,
                source_time=event.tick_source_time,
                update_id=0,
                offset=event.tick_offset,
                heard_at=event.time,
            )

    def _unreadable(self, record: LogRecord, why: str) -> LogUnreadable:
        return unreadable(self.state.shard, record, why)


def decoded(shard: int, record: LogRecord) -> Event:
    """Give the event of a record, whoever's it is; LogUnreadable where it has none."""
    try:
        return decode_event(record.value)
    except NotDecodable as error:
        raise unreadable(shard, record, str(error)) from error


def unreadable(shard: int, record: LogRecord, why: str) -> LogUnreadable:
    """Say at which record the events cannot be folded, and what says more."""
    return LogUnreadable(
        f"Shard {shard}: the events cannot be folded over record {record.offset} ({why}); "
        "`./reprise audit verify` says what is wrong with it."
    )


def accounts_opened(log: LogReader, shard: int) -> Iterator[str]:
    """Give the accounts of a shard in the order in which they were opened."""
    prefixes = prefixes_of(AccountOpened)
    for batch in log.events(shard, 0):
        for record in batch:
            if record.value[:PREFIX_SIZE] in prefixes:
                account = decoded(shard, record).account_id
                assert account is not None, "an account that is opened has a name"
                yield account


@cache
def price_prefixes() -> frozenset[bytes]:
    """Give what the records of price events begin with, by any released schema."""
    return prefixes_of(*PRICE_EVENTS)
