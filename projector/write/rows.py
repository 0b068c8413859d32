"""Which rows follow from each event: accounts, positions, fills, ledger lines, outcomes, receipts. Pure."""

from typing import NamedTuple, assert_never

import msgspec

from projector.write.chain import ChainEntry
from projector.write.market_rows import MarketRows
from projector.write.outcomes import StoredOutcome, stored_outcome
from schemas.derived import book_change, ledger_entries, realized_pnl
from schemas.events import (
    AccountOpened,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
    FeedKept,
    FeedSelected,
    FillEvent,
    InstrumentsDefined,
    MarketStatusSet,
    MoneyEvent,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
    TickHeld,
    Withdrawn,
)
from schemas.ids import event_id
from schemas.sharding import PRICE_SHARD

# A row is a tuple in the order of its table's columns.
Row = tuple[object, ...]


class Books(msgspec.Struct, kw_only=True):
    """A row of `accounts`, without its balance, which is cash + used_margin."""

    account_id: str
    shard: int
    cash: int
    used_margin: int
    opened_at: int
    account_seq: int

    def post(self, event: MoneyEvent) -> None:
        """Move the money of an event."""
        change = book_change(event)
        self.cash += change.cash
        self.used_margin += change.used_margin


class Reduced(NamedTuple):
    """What parts that were closed make of a position's row; realized_pnl is added to what is there."""

    position_id: str
    quantity: int
    entry_notional: int
    margin: int
    liquidation_price: int | None
    realized_pnl: int


class Rows:
    """The rows of a batch, in the order they are to be written. `books` begins with the accounts there are."""

    def __init__(self, books: dict[str, Books], market: MarketRows) -> None:
        self.books = books
        self.market = market
        self.touched: set[str] = set()
        self.opened: list[Row] = []
        self.stops: dict[str, Row] = {}
        self.reduced: dict[str, Reduced] = {}
        self.closed: list[Row] = []
        self.fills: list[Row] = []
        self.ledger: list[Row] = []
        self.commands: dict[tuple[str, str | None], StoredOutcome] = {}
        self.receipts: list[Row] = []
        self.history: list[Row] = []

    def add(self, entry: ChainEntry) -> None:
        """Take in the next event of a shard."""
        shard, event = entry.shard, entry.event
        match event:
            case PricesUpdated() | TickHeld() | FeedSelected():
                if shard == PRICE_SHARD:
                    self.market.add(event)
                return
            case InstrumentsDefined() | MarketStatusSet():
                if shard == PRICE_SHARD:
                    self.market.add(event)
            case AccountOpened():
                self._open_account(shard, event)
            case Deposited() | Withdrawn():
                self._move(shard, event)
            case PositionOpened():
                self._open_position(shard, event)
            case PositionClosed():
                self._close_position(shard, event)
            case PositionReduced():
                self._reduce_position(shard, event)
            case StopsAmended():
                self.stops[event.position_id] = (event.position_id, event.stop_loss, event.take_profit)
            case CommandRejected() | RulesActivated() | OldestReduced():
                pass  # Its outcome is all there is.
            case CommandRepeated() | FeedKept():
                self._count(shard, event)
                return
            case _:
                assert_never(event)
        self._count(shard, event)
        self._keep_outcome(shard, event)

    def _open_account(self, shard: int, event: AccountOpened) -> None:
        assert event.account_id is not None, "an opened account has a name"
        self.books[event.account_id] = Books(
            account_id=event.account_id, shard=shard, cash=0, used_margin=0, opened_at=event.time, account_seq=0
        )
        self._move(shard, event)

    def _open_position(self, shard: int, event: PositionOpened) -> None:
        self.opened.append(
            (
                event.position_id,
                shard,
                event.account_id,
                event.seq,
                event.symbol,
                event.side,
                "open",
                event.quantity,
                event.price,
                event.notional,
                event.margin,
                event.leverage,
                event.fee_rate,
                event.maintenance_rate,
                event.margin_floor_rate,
                event.liquidation_fee_rate,
                event.liquidation_price,
                event.stop_loss,
                event.take_profit,
                event.time,
                event.command_id,
                event.client_order_id,
                *(None,) * 5,
            )
        )
        self._fill(shard, event, action="open", fee=event.fee, order_id=event.command_id)
        self._move(shard, event)

    def _close_position(self, shard: int, event: PositionClosed) -> None:
        name = event_id(shard, event.seq)
        self.closed.append((event.position_id, event.price, realized_pnl(event), event.reason, event.time, name))
        self._fill(
            shard,
            event,
            action="close",
            fee=event.fee + event.liquidation_fee,
            # A trigger's close stands behind the event of the command that caused it, which did not ask for it.
            order_id=event.command_id if event.reason == "manual" else None,
            pnl=realized_pnl(event),
            reason=event.reason,
        )
        self._move(shard, event)
        self.receipts.append((name, event.account_id, msgspec.json.encode(event).decode()))

    def _reduce_position(self, shard: int, event: PositionReduced) -> None:
        before = self.reduced.get(event.position_id)
        self.reduced[event.position_id] = Reduced(
            position_id=event.position_id,
            quantity=event.quantity_left,
            entry_notional=event.entry_notional_left,
            margin=event.margin_left,
            liquidation_price=event.liquidation_price,
            realized_pnl=realized_pnl(event) + (0 if before is None else before.realized_pnl),
        )
        self._fill(
            shard,
            event,
            action="close",
            fee=event.fee,
            order_id=event.command_id,
            pnl=realized_pnl(event),
            reason=event.reason,
        )
        self._move(shard, event)
        name = event_id(shard, event.seq)
        self.receipts.append((name, event.account_id, msgspec.json.encode(event).decode()))

    def _fill(
        self,
        shard: int,
        event: FillEvent,
        *,
        action: str,
        fee: int,
        order_id: str | None,
        pnl: int | None = None,
        reason: str | None = None,
    ) -> None:
        self.fills.append(
            (
                shard,
                event.seq,
                event.account_id,
                event.time,
                order_id,
                event.position_id,
                event.symbol,
                event.side,
                action,
                event.price,
                event.quantity,
                fee,
                pnl,
                reason,
            )
        )

    def _move(self, shard: int, event: MoneyEvent) -> None:
        """Post an event to its account's books, and write its ledger lines."""
        assert event.account_id is not None, "money of a client has an owner"
        books = self.books[event.account_id]
        for entry in ledger_entries(event, books.cash + books.used_margin):
            self.ledger.append(
                (
                    shard,
                    event.seq,
                    entry.number,
                    event.account_id,
                    event.time,
                    entry.kind,
                    entry.amount,
                    entry.balance_after,
                    entry.position_id,
                )
            )
        books.post(event)

    def _count(self, shard: int, event: Event) -> None:
        if event.account_seq is None or event.account_id is None:
            return
        name, content = type(event).__name__, msgspec.json.encode(event).decode()
        self.history.append((event.account_id, event.account_seq, shard, event.seq, event.time, name, content))
        self.books[event.account_id].account_seq = event.account_seq
        self.touched.add(event.account_id)

    def _keep_outcome(self, shard: int, event: Event) -> None:
        """Keep a command's outcome; a final one stays, one that is not gives way to what comes later."""
        row = stored_outcome(shard, event)
        if row is None:
            return
        known = self.commands.get((row.command_id, row.account_id))
        if known is None or known.command_hash is None:
            self.commands[row.command_id, row.account_id] = row
