"""Which rows follow from each event: accounts, positions, fills, ledger lines, outcomes, receipts. Pure.

Longer than 300 lines because each event is taken apart once, for every table it has a part in.
"""

from typing import assert_never

import msgspec

from projector.tables.rows import (
    CloseChange,
    ReductionChange,
    StopsChange,
    StoredAccount,
    StoredAccountEvent,
    StoredFill,
    StoredInsurance,
    StoredLedgerEntry,
    StoredOutcome,
    StoredPosition,
    StoredReceipt,
)
from projector.write.chain import ChainEntry
from projector.write.market_rows import MarketRows
from projector.write.outcomes import stored_outcome
from schemas.derived import book_change, ledger_entries, realized_pnl
from schemas.event_groups import FillEvent, MoneyEvent
from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
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
from schemas.plain_data import as_json
from schemas.sharding import PRICE_SHARD


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

    def row(self) -> StoredAccount:
        """Give the row as it is written."""
        return StoredAccount(
            account_id=self.account_id,
            shard=self.shard,
            cash=self.cash,
            balance=self.cash + self.used_margin,
            used_margin=self.used_margin,
            opened_at=self.opened_at,
            account_seq=self.account_seq,
        )


class Rows:
    """The rows of a batch, in the order they are to be written.

    `books` begins with the accounts there are, `insurance` with the funds of the shards.
    """

    def __init__(self, books: dict[str, Books], market: MarketRows, insurance: dict[int, StoredInsurance]) -> None:
        self.books = books
        self.market = market
        self.insurance = insurance
        self.touched: set[str] = set()
        self.opened: list[StoredPosition] = []
        self.stops: dict[str, StopsChange] = {}
        self.reduced: dict[str, ReductionChange] = {}
        self.closed: list[CloseChange] = []
        self.fills: list[StoredFill] = []
        self.ledger: list[StoredLedgerEntry] = []
        self.commands: dict[tuple[str, str | None], StoredOutcome] = {}
        self.receipts: list[StoredReceipt] = []
        self.history: list[StoredAccountEvent] = []

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
                self.stops[event.position_id] = StopsChange(event.position_id, event.stop_loss, event.take_profit)
            case CommandRejected() | OldestReduced() | AllClosed():
                pass  # Its outcome is all there is.
            case RulesActivated() | ClockSet() | AccountLimitsSet() | OffsetGapAccepted():
                pass  # And there are no rows of what holds for a whole shard.
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
            StoredPosition(
                position_id=event.position_id,
                shard=shard,
                account_id=event.account_id,
                opened_seq=event.seq,
                symbol=event.symbol,
                side=event.side,
                status="open",
                quantity=event.quantity,
                entry_price=event.price,
                entry_notional=event.notional,
                margin=event.margin,
                leverage=event.leverage,
                fee_rate=event.fee_rate,
                maintenance_rate=event.maintenance_rate,
                margin_floor_rate=event.margin_floor_rate,
                liquidation_fee_rate=event.liquidation_fee_rate,
                liquidation_price=event.liquidation_price,
                stop_loss=event.stop_loss,
                take_profit=event.take_profit,
                opened_at=event.time,
                command_id=event.command_id,
                client_order_id=event.client_order_id,
            )
        )
        self._fill(shard, event, action="open", fee=event.fee, order_id=event.command_id)
        self._move(shard, event)

    def _close_position(self, shard: int, event: PositionClosed) -> None:
        name = event_id(shard, event.seq)
        self.closed.append(
            CloseChange(
                position_id=event.position_id,
                close_price=event.price,
                realized_pnl=realized_pnl(event),
                close_reason=event.reason,
                closed_at=event.time,
                receipt_id=name,
            )
        )
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
        self._insure(shard, event)

    def _insure(self, shard: int, event: PositionClosed) -> None:
        """Add what a close paid into its shard's fund and took out of it; a part that closes moves nothing there."""
        fund = self.insurance.get(shard) or StoredInsurance(shard, received=0, paid=0, written_off=0)
        self.insurance[shard] = StoredInsurance(
            shard=shard,
            received=fund.received + event.liquidation_fee,
            paid=fund.paid + event.insurance_paid,
            written_off=fund.written_off + event.written_off,
        )

    def _reduce_position(self, shard: int, event: PositionReduced) -> None:
        before = self.reduced.get(event.position_id)
        self.reduced[event.position_id] = ReductionChange(
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
            StoredFill(
                shard=shard,
                seq=event.seq,
                account_id=event.account_id,
                time=event.time,
                order_id=order_id,
                position_id=event.position_id,
                symbol=event.symbol,
                side=event.side,
                action=action,
                price=event.price,
                quantity=event.quantity,
                fee=fee,
                realized_pnl=pnl,
                reason=reason,
            )
        )

    def _move(self, shard: int, event: MoneyEvent) -> None:
        """Post an event to its account's books, and write its ledger lines."""
        assert event.account_id is not None, "money of a client has an owner"
        books = self.books[event.account_id]
        for entry in ledger_entries(event, books.cash + books.used_margin):
            self.ledger.append(
                StoredLedgerEntry(
                    shard=shard,
                    seq=event.seq,
                    line=entry.number,
                    account_id=event.account_id,
                    time=event.time,
                    kind=entry.kind,
                    amount=entry.amount,
                    balance_after=entry.balance_after,
                    position_id=entry.position_id,
                )
            )
        books.post(event)

    def _count(self, shard: int, event: Event) -> None:
        """Keep an event in its account's history; that of a close is its receipt too."""
        if event.account_seq is None or event.account_id is None:
            return
        content = as_json(event).decode()
        if isinstance(event, FillEvent) and not isinstance(event, PositionOpened):
            self.receipts.append(StoredReceipt(event_id(shard, event.seq), event.account_id, content))
        self.history.append(
            StoredAccountEvent(
                account_id=event.account_id,
                account_seq=event.account_seq,
                shard=shard,
                seq=event.seq,
                time=event.time,
                type=type(event).__name__,
                event=content,
            )
        )
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
