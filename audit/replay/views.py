"""How a step is shown: its events with their figures in decimal digits, and the account's ledger."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from audit.digits import iso, money
from audit.explain.ledger_at import describe_account
from audit.replay.account_fold import AccountFold
from schemas.events import CommandRejected, Event, EventHeader, PricesUpdated
from schemas.ids import event_id
from schemas.messages import Instrument
from schemas.plain_data import as_builtins
from schemas.record import field_names
from schemas.rejections import Rejection
from schemas.units import LEVERAGE_EXPONENT, render

HEADER: Final = frozenset(field_names(EventHeader))
MONEY: Final = (
    *("first_deposit", "amount", "notional", "entry_notional", "entry_notional_left", "margin", "margin_left"),
    *("profit", "equity", "requirement", "fee", "liquidation_fee", "released", "returned"),
    *("shortfall", "insurance_paid", "written_off"),
)
PRICES: Final = (
    *("price", "entry_price", "trigger_price", "liquidation_price", "stop_loss", "take_profit", "bid", "ask"),
)
SIZES: Final = ("quantity", "quantity_left")


class PriceView(msgspec.Struct, frozen=True):
    """A symbol's bid and ask; null before the first."""

    symbol: str
    bid: str | None
    ask: str | None


class LedgerView(msgspec.Struct, frozen=True):
    """An account's ledger as `./reprise audit at` prints it, and the prices of what it holds."""

    account_id: str
    seq: int
    cash: str
    used_margin: str
    balance: str
    unrealized_pnl: str
    equity: str
    positions: list[dict[str, Any]]
    prices: list[PriceView]


class EventView(msgspec.Struct, frozen=True):
    """An event. own: whether it is the account's, and not the whole shard's. rejection: why a command was refused.

    figures: its amounts, prices and sizes, as decimal digits by the names of its fields. content: all that it says, in
    the ledger's own units, as JSON text.
    """

    event_id: str
    seq: int
    index: int
    type: str
    time: str
    own: bool
    command_id: str | None
    position_id: str | None
    symbol: str | None
    side: str | None
    reason: str | None
    rejection: str | None
    figures: dict[str, str]
    ticks: list[PriceView]
    digest: str
    content: str


def ledger_view(fold: AccountFold) -> LedgerView | None:
    """Show the account's ledger as it is now; null before it is opened."""
    account = fold.account
    if account is None:
        return None
    shown = describe_account(fold.state, account)
    return LedgerView(**shown, prices=[price_view(fold, symbol) for symbol in sorted(fold.held)])


def price_view(fold: AccountFold, symbol: str) -> PriceView:
    """Show a symbol's last price that was followed."""
    quote, instrument = fold.state.markets[symbol].quote, fold.state.instruments[symbol]
    if quote is None:
        return PriceView(symbol, None, None)
    return PriceView(symbol, *(render(ticks, instrument.tick_exponent) for ticks in (quote.bid, quote.ask)))


def event_view(fold: AccountFold, event: Event, digest: bytes) -> EventView:
    """Show an event that the ledger has now."""
    symbol = getattr(event, "symbol", None)
    instruments = fold.state.instruments
    content = {name: value for name, value in as_builtins(event).items() if name not in HEADER}
    return EventView(
        event_id=event_id(fold.state.shard, event.seq),
        seq=event.seq,
        index=event.index,
        type=type(event).__name__,
        time=iso(event.time),
        own=event.account_id is not None,
        command_id=event.command_id,
        position_id=getattr(event, "position_id", None),
        symbol=symbol,
        side=getattr(event, "side", None),
        reason=getattr(event, "reason", None),
        rejection=Rejection(event.rejection).name if isinstance(event, CommandRejected) else None,
        figures=dict(_figures(event, None if symbol is None else instruments[symbol])),
        ticks=_ticks(event, instruments) if isinstance(event, PricesUpdated) else [],
        digest=digest.hex(),
        content=msgspec.json.format(msgspec.json.encode(content), indent=2).decode(),
    )


def _figures(event: Event, instrument: Instrument | None) -> Iterable[tuple[str, str]]:
    """Write the figures an event has, in the order of its fields."""
    for name in field_names(type(event)):
        value = getattr(event, name)
        if value is None:
            continue
        if name in MONEY:
            yield name, money(value)
        elif name == "leverage":
            yield name, render(value, LEVERAGE_EXPONENT)
        elif instrument is not None and name in PRICES:
            yield name, render(value, instrument.tick_exponent)
        elif instrument is not None and name in SIZES:
            yield name, render(value, instrument.lot_exponent)


def _ticks(event: PricesUpdated, instruments: dict[str, Instrument]) -> list[PriceView]:
    return [
        PriceView(tick.symbol, render(tick.bid, exponent), render(tick.ask, exponent))
        for tick in event.accepted
        for exponent in (instruments[tick.symbol].tick_exponent,)
    ]
