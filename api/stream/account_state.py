"""What an account is after each of its events, and the message that each event becomes."""

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from api.accounts.schemas import AccountReply, LedgerLine
from api.accounts.service import account_of, line_of
from api.http.amounts import money_or_null
from api.log.event_bus import AccountEvent
from api.log.price_cache import PriceCache
from api.log.sent_commands import SentCommands
from api.orders.schemas import OrderReply
from api.orders.views import order_of_event, order_of_refusal
from api.positions.schemas import PositionReply
from api.positions.views import after, position_of_event, position_of_row
from api.stream.schemas import AccountSnapshot, AccountUpdate
from projector.queries import AccountRow, LedgerRow, PositionRow
from schemas.commands import OpenPosition
from schemas.derived import book_change, ledger_entries
from schemas.event_groups import MoneyEvent, PositionEvent
from schemas.events import CommandRejected, Event, PositionClosed, PositionOpened, PositionReduced, StopsAmended
from schemas.messages import Instrument, Side
from schemas.rejections import Rejection


class HeldPosition(NamedTuple):
    """An open position: as it is written, and what its profit is worked out from, in the ledger's units."""

    position: PositionReply
    symbol: str
    side: Side
    quantity: int
    entry_price: int


class AccountState:
    """An account's money and open positions as of `seq`, the number of its last event."""

    def __init__(self, account_id: str, prices: PriceCache, sent: SentCommands) -> None:
        self.account_id = account_id
        self.seq = 0
        self._prices = prices
        self._sent = sent
        self._cash = 0
        self._used_margin = 0
        self._positions: dict[str, HeldPosition] = {}

    def start_from(self, row: AccountRow, positions: list[PositionRow]) -> None:
        """Take over what PostgreSQL has, the positions oldest first."""
        self.seq, self._cash, self._used_margin = row.account_seq, row.cash, row.used_margin
        for one in positions:
            position = position_of_row(one, self._instruments)
            self._positions[one.position_id] = HeldPosition(
                position, one.symbol, one.side, one.quantity, one.entry_price
            )

    def apply(self, account_event: AccountEvent) -> AccountUpdate:
        """Bring in the next event, and give its message."""
        event = account_event.event
        assert account_event.account_seq == self.seq + 1, f"event {account_event.account_seq} after {self.seq}"
        self.seq = account_event.account_seq
        position = self._apply_to_position(event, account_event.shard) if isinstance(event, PositionEvent) else None
        lines: list[LedgerLine] = []
        if isinstance(event, MoneyEvent):
            lines = ledger_of(event, account_event.event_id, self._cash + self._used_margin)
            change = book_change(event)
            self._cash += change.cash
            self._used_margin += change.used_margin
        order = order_after(event, self._instruments, self._sent)
        return account_update(account_event, order=order, position=position, account=self.account(), ledger=lines)

    def _apply_to_position(self, event: PositionEvent, shard: int) -> PositionReply:
        match event:
            case PositionOpened(position_id=position_id):
                opened = position_of_event(event, self._instruments)
                held = HeldPosition(opened, event.symbol, event.side, event.quantity, event.price)
                self._positions[position_id] = held
                return self._now(held)
            case StopsAmended(position_id=position_id):
                held = self._positions[position_id]
                held = held._replace(position=after(held.position, event, shard, self._instruments))
                self._positions[position_id] = held
                return self._now(held)
            case PositionReduced(position_id=position_id):
                held = self._positions[position_id]
                rest = after(held.position, event, shard, self._instruments)
                held = held._replace(position=rest, quantity=event.quantity_left)
                self._positions[position_id] = held
                return self._now(held)
            case PositionClosed(position_id=position_id):
                held = self._positions.pop(position_id)
                return after(held.position, event, shard, self._instruments)
            case _:
                assert_never(event)

    def account(self) -> AccountReply | None:
        """Give the account's figures at the prices of now; null before it is open."""
        if self.seq == 0:
            return None
        profits = (self._profit(held) or 0 for held in self._positions.values())
        return account_of(self.account_id, self._cash, self._used_margin, sum(profits))

    def snapshot(self) -> AccountSnapshot:
        """Give all there is, the last opened position first."""
        positions = [self._now(held) for held in reversed(self._positions.values())]
        return AccountSnapshot(account=self.account(), positions=positions, orders=[])

    @property
    def _instruments(self) -> Mapping[str, Instrument]:
        return self._prices.instruments

    def _now(self, held: HeldPosition) -> PositionReply:
        return held.position.model_copy(update={"unrealized_pnl": money_or_null(self._profit(held))})

    def _profit(self, held: HeldPosition) -> int | None:
        """Work out the profit at the price at which the position would close now."""
        return self._prices.unrealized_pnl(held.symbol, held.side, held.quantity, held.entry_price)


def account_update(
    account_event: AccountEvent,
    *,
    order: OrderReply | None,
    position: PositionReply | None,
    account: AccountReply | None,
    ledger: list[LedgerLine],
) -> AccountUpdate:
    """Write an event as a message, with what is known of what it changed."""
    event = account_event.event
    rejection = event.rejection if isinstance(event, CommandRejected) else None
    return AccountUpdate(
        event_id=account_event.event_id,
        event=type(event).__name__,
        command_id=event.command_id,
        code=None if rejection is None else Rejection(rejection).name,
        order=order,
        position=position,
        account=account,
        ledger=ledger,
    )


def order_after(event: Event, instruments: Mapping[str, Instrument], sent: SentCommands) -> OrderReply | None:
    """Write the order an event decided."""
    if isinstance(event, PositionOpened):
        return order_of_event(event, instruments)
    if isinstance(event, CommandRejected) and event.command == OpenPosition.__name__ and event.command_id is not None:
        return order_of_refusal(event, instruments, sent)
    return None


def ledger_of(event: MoneyEvent, event_id: str, balance: int) -> list[LedgerLine]:
    """Write an event's ledger lines, from the balance before it (micros)."""
    return [
        line_of(
            LedgerRow(
                line_id=f"{event_id}.{entry.number}",
                event_id=event_id,
                account_id=str(event.account_id),
                time=event.time,
                kind=entry.kind,
                amount=entry.amount,
                balance_after=entry.balance_after,
                position_id=entry.position_id,
            )
        )
        for entry in ledger_entries(event, balance)
    ]
