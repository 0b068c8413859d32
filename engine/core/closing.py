"""How a position closes: by hand, by a stop, or by liquidation; and which moves of money that makes."""

from engine.core.context import CommandContext, header, rejected
from engine.core.liquidation import requirement_of, settle
from engine.core.margin import notional_of, profit_of
from engine.core.market import quote_of, refuse_closed, refuse_price
from engine.core.records import Position
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.stops import owned_position
from schemas.commands import ClosePosition
from schemas.derived import exit_price
from schemas.events import Event, PositionClosed
from schemas.messages import Book, CloseReason, Leg
from schemas.rejections import Rejection
from schemas.units import Micros, Ticks


def decide_close(state: State, command: ClosePosition, context: CommandContext) -> Event:
    """Close a position for its owner, at the server's price."""
    position = owned_position(state, command.account_id, command.position_id)
    if position is None:
        return rejected(state, context, Rejection.POSITION_NOT_OPEN, command.account_id)
    rejection = refuse_closed(state, position.symbol, opening=False) or refuse_price(
        state, position.symbol, context.time
    )
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    # From here on the command must succeed.
    return closed(state, context, position, "manual", None)


def closed(
    state: State, context: CommandContext, position: Position, reason: CloseReason, trigger_price: Ticks | None
) -> PositionClosed:
    """Close at the executable price of the last accepted tick: a long at the bid, a short at the ask."""
    instrument = state.instruments[position.symbol]
    quote = quote_of(state, position.symbol)
    price = exit_price(position.side, quote.bid, quote.ask)
    notional = notional_of(position.quantity, price, instrument.tick_value)
    profit = profit_of(position.side, notional, position.entry_notional)
    equity = position.margin + profit
    requirement = requirement_of(notional, position.margin, position.maintenance_rate, position.margin_floor_rate)
    fee, liquidation_fee, returned, shortfall, insurance_paid, written_off = settle(
        position,
        notional=notional,
        equity=equity,
        requirement=requirement,
        insurance=state.insurance,
        rules=RULES[state.rules_version],
    )
    return PositionClosed(
        *header(state, context, position.account_id),
        position_id=position.position_id,
        symbol=position.symbol,
        side=position.side,
        quantity=position.quantity,
        entry_price=position.entry_price,
        price=price,
        reason=reason,
        trigger_price=trigger_price,
        notional=notional,
        entry_notional=position.entry_notional,
        margin=position.margin,
        profit=profit,
        equity=equity,
        requirement=requirement,
        fee=fee,
        liquidation_fee=liquidation_fee,
        returned=returned,
        shortfall=shortfall,
        insurance_paid=insurance_paid,
        written_off=written_off,
        opened_at=position.opened_at,
        bid=quote.bid,
        ask=quote.ask,
        tick_source_time=quote.source_time,
        tick_offset=quote.offset,
        legs=legs_of(
            ("HOUSE", "MARGIN", profit),
            ("MARGIN", "HOUSE", min(-profit, position.margin)),
            ("INSURANCE", "HOUSE", insurance_paid),
            ("MARGIN", "INSURANCE", liquidation_fee),
            ("MARGIN", "FEES", fee),
            ("MARGIN", "CASH", returned),
        ),
    )


def legs_of(*moves: tuple[Book, Book, Micros]) -> tuple[Leg, ...]:
    """Keep the moves of more than nothing."""
    return tuple(Leg(source=source, target=target, amount=amount) for source, target, amount in moves if amount > 0)
