"""On which side of the price a stop and a take may stand, and how an owner amends them."""

from engine.core.context import CommandContext, header, rejected
from engine.core.market import quote_of, refuse_price
from engine.core.state import State
from schemas.bounds import PRICE_MAX
from schemas.commands import AmendStops
from schemas.events import Event, StopsAmended
from schemas.ledger_records import Position, Quote
from schemas.messages import Side
from schemas.rejections import Rejection
from schemas.units import Ticks
from schemas.words import PositionWarning


def refuse_stops(side: Side, quote: Quote, stop_loss: int | None, take_profit: int | None) -> Rejection | None:
    """Compare with the exit price. Long: stop < bid < take. Short: take < ask < stop."""
    if side == "long":
        if stop_loss is not None and stop_loss >= quote.bid:
            return Rejection.STOP_LOSS_WRONG_SIDE
        if take_profit is not None and take_profit <= quote.bid:
            return Rejection.TAKE_PROFIT_WRONG_SIDE
        return None
    if stop_loss is not None and stop_loss <= quote.ask:
        return Rejection.STOP_LOSS_WRONG_SIDE
    if take_profit is not None and take_profit >= quote.ask:
        return Rejection.TAKE_PROFIT_WRONG_SIDE
    return None


def warnings_of(side: Side, stop_loss: int | None, liquidation_price: int | None) -> tuple[PositionWarning, ...]:
    """Warn of a stop that liquidation comes before."""
    if stop_loss is None or liquidation_price is None:
        return ()
    beyond = stop_loss <= liquidation_price if side == "long" else stop_loss >= liquidation_price
    return ("STOP_BEYOND_LIQUIDATION",) if beyond else ()


def decide_amend(state: State, command: AmendStops, context: CommandContext) -> Event:
    """Set or take off a position's stop and take. Setting needs a fresh price, taking off needs none."""
    if _is_malformed(command):
        return rejected(state, context, Rejection.MALFORMED, command.account_id)
    position = owned_position(state, command.account_id, command.position_id)
    if position is None:
        return rejected(state, context, Rejection.POSITION_NOT_OPEN, command.account_id)
    set_stop = ticks_or_null(command.stop_loss) if command.amend_stop_loss else None
    set_take = ticks_or_null(command.take_profit) if command.amend_take_profit else None
    if set_stop is not None or set_take is not None:
        rejection = refuse_price(state, position.symbol, context.time)
        if rejection is None:
            rejection = refuse_stops(position.side, quote_of(state, position.symbol), set_stop, set_take)
        if rejection is not None:
            return rejected(state, context, rejection, command.account_id)
    # From here on the command must succeed.
    stop_loss = set_stop if command.amend_stop_loss else position.stop_loss
    return StopsAmended(
        header(state, context, command.account_id),
        position_id=position.position_id,
        symbol=position.symbol,
        stop_loss=stop_loss,
        take_profit=set_take if command.amend_take_profit else position.take_profit,
        warnings=warnings_of(position.side, stop_loss, position.liquidation_price),
    )


def ticks_or_null(price: int | None) -> Ticks | None:
    """Give a command's price as ticks."""
    return None if price is None else Ticks(price)


def owned_position(state: State, account_id: str, position_id: str) -> Position | None:
    """Find an open position of this account; unknown, another's and closed are alike."""
    position = state.positions.get(position_id)
    return position if position is not None and position.account_id == account_id else None


def _is_malformed(command: AmendStops) -> bool:
    if not command.amend_stop_loss and not command.amend_take_profit:
        return True
    if (command.stop_loss is not None and not command.amend_stop_loss) or (
        command.take_profit is not None and not command.amend_take_profit
    ):
        return True
    prices = (command.stop_loss, command.take_profit)
    return any(price is not None and not 0 < price <= PRICE_MAX for price in prices)
