"""What an order would come to, and every reason why the core would refuse it now.

The core names the first reason alone. So each is lifted in turn, and the core asked again: what it says in the end is
what it would say if nothing stood in the way.
"""

from typing import Final, NamedTuple

from api.pretrade.standing import Standing, ledger_of
from engine.core.context import CommandContext
from engine.core.decide import decide
from engine.core.margin import fee_of
from engine.core.state import State
from schemas.commands import OpenPosition
from schemas.events import CommandRejected, PositionOpened
from schemas.messages import Instrument
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import INT64_MAX, Hundredths, Lots, Micros, Ppm, Timestamp

STEPS_MAX: Final = len(Rejection) + 1
NO_RATE: Final = Ppm(0)
ENOUGH: Final = Micros(INT64_MAX)


class Preview(NamedTuple):
    """What the order would open, null where nothing can be said of it; and why the core would refuse it, in its order.

    close_fee: micros it would cost to close at the same price. has_liquidation_price: false where what decides it had
    to be lifted.
    """

    refusals: tuple[Rejection, ...]
    opened: PositionOpened | None
    close_fee: Micros | None
    has_liquidation_price: bool


def preview_of(standing: Standing, order: OpenPosition) -> Preview:
    """Decide an order as the core would, again and again, each time without what it refused before."""
    ledger = ledger_of(standing)
    refusals: list[Rejection] = []
    asked: OpenPosition | None = order
    while asked is not None and len(refusals) < STEPS_MAX:
        outcome = _outcome(ledger, asked, standing.time)
        if isinstance(outcome, PositionOpened):
            close_fee = fee_of(outcome.notional, outcome.fee_rate)
            return Preview(tuple(refusals), outcome, close_fee, Rejection.LIQUIDATABLE_AT_ONCE not in refusals)
        rejection = Rejection(outcome.rejection)
        if rejection in refusals:
            break  # It cannot be lifted.
        refusals.append(rejection)
        asked = _lifted(rejection, ledger, asked, standing)
    return Preview(tuple(refusals), None, None, has_liquidation_price=False)


def _outcome(ledger: State, order: OpenPosition, time: int) -> PositionOpened | CommandRejected:
    context = CommandContext(
        offset=ledger.next_offset,
        time=Timestamp(time),
        appended_at=Timestamp(time),
        first_seq=1,
        command=OpenPosition.__name__,
        command_id=order.command_id,
    )
    [outcome] = decide(ledger, order, context)
    assert isinstance(outcome, PositionOpened | CommandRejected), "an order of a new id opens or is refused"
    return outcome


def _lifted(rejection: Rejection, ledger: State, order: OpenPosition, standing: Standing) -> OpenPosition | None:
    """Take one reason out of the ledger or the order; null where without it nothing can be said."""
    symbol = standing.instrument.symbol
    market, account = ledger.markets[symbol], ledger.accounts[standing.account_id]
    instrument, quote = ledger.instruments[symbol], market.quote
    match rejection:
        case Rejection.TOO_MANY_COMMANDS:
            account.commands, account.exits = {}, {}
        case Rejection.MARKET_HALTED | Rejection.MARKET_CLOSE_ONLY:
            market.status = "open"
        case Rejection.PRICE_UNCONFIRMED:
            market.candidate = None
        case Rejection.PRICE_STALE | Rejection.PRICE_TOO_OLD if quote is not None:
            quote.stale, quote.heard_at = False, Timestamp(standing.time)
        case Rejection.CLOCK_SUSPECT:
            ledger.clock_suspect = False
        case Rejection.LEVERAGE_OUT_OF_RANGE if order.leverage > 0:
            ledger.instruments[symbol] = _allowing(instrument, order.leverage)
        case Rejection.SLIPPAGE_EXCEEDED:
            return replace(order, expected_price=None)
        case Rejection.BELOW_MINIMUM if instrument.quantity_min > 1:
            ledger.instruments[symbol] = replace(instrument, quantity_min=Lots(1))
        case Rejection.ABOVE_MAXIMUM:
            ledger.instruments[symbol] = replace(instrument, quantity_max=Lots(INT64_MAX))
        case Rejection.POSITION_NOTIONAL_LIMIT:
            ledger.instruments[symbol] = replace(instrument, notional_max=ENOUGH)
        case Rejection.ACCOUNT_NOTIONAL_LIMIT:
            ledger.instruments[symbol] = replace(instrument, account_notional_max=ENOUGH)
        case Rejection.SIDE_NOTIONAL_LIMIT:
            ledger.instruments[symbol] = replace(instrument, side_notional_max=ENOUGH)
        case Rejection.TOO_MANY_POSITIONS:
            ledger.positions_max = 1
        case Rejection.STOP_LOSS_WRONG_SIDE:
            return replace(order, stop_loss=None)
        case Rejection.TAKE_PROFIT_WRONG_SIDE:
            return replace(order, take_profit=None)
        case Rejection.LIQUIDATABLE_AT_ONCE if quote is not None:
            # Where it opens is where it would close, and it need keep nothing.
            if order.side == "long":
                quote.bid = quote.ask
            else:
                quote.ask = quote.bid
            ledger.instruments[symbol] = replace(instrument, maintenance_rate=NO_RATE, margin_floor_rate=NO_RATE)
            # They were looked at before, at the real price.
            return replace(order, stop_loss=None, take_profit=None)
        case Rejection.INSUFFICIENT_MARGIN:
            account.cash = ENOUGH
        case Rejection.CLIENT_ORDER_ID_USED:
            return replace(order, client_order_id=None)
        case _:
            return None
    return order


def _allowing(instrument: Instrument, leverage: int) -> Instrument:
    return replace(
        instrument,
        leverage_min=Hundredths(min(leverage, instrument.leverage_min)),
        leverage_max=Hundredths(max(leverage, instrument.leverage_max)),
    )
