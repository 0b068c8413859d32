"""How a position closes: by hand, by a stop, or by liquidation; and which moves of money that makes."""

from engine.core.context import CommandContext, header, rejected
from engine.core.liquidation import is_liquidatable, requirement_of, settle
from engine.core.margin import notional_of, profit_of
from engine.core.market import quote_of, refuse_closed, refuse_price
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.stops import owned_position
from schemas.bounds import ID_LENGTH_MAX
from schemas.commands import CloseAll, ClosePosition
from schemas.derived import exit_price
from schemas.events import AllClosed, Event, PositionClosed
from schemas.ledger_records import Position
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


def decide_close_all(state: State, command: CloseAll, context: CommandContext) -> Event:
    """Close what the markets let close of an account's positions; `step` closes each."""
    if command.symbol is not None and len(command.symbol) > ID_LENGTH_MAX:
        return rejected(state, context, Rejection.MALFORMED, command.account_id)
    if command.symbol is not None and command.symbol not in state.instruments:
        return rejected(state, context, Rejection.SYMBOL_UNKNOWN, command.account_id)
    # From here on the command must succeed.
    positions = _positions_of(state, command)
    shut = [
        symbol
        for symbol in dict.fromkeys(position.symbol for position in positions)
        if refuse_closed(state, symbol, opening=False) or refuse_price(state, symbol, context.time)
    ]
    left = tuple(position.position_id for position in positions if position.symbol in shut)
    return AllClosed(
        header(state, context, command.account_id),
        symbol=command.symbol,
        positions=len(positions) - len(left),
        left=left,
    )


def positions_that_close(state: State, outcome: AllClosed) -> list[Position]:
    """Give the positions that the outcome closes, the oldest first."""
    left = dict.fromkeys(outcome.left)
    return [position for position in _positions_of(state, outcome) if position.position_id not in left]


def _positions_of(state: State, asked: CloseAll | AllClosed) -> list[Position]:
    assert asked.account_id is not None, "only an account closes"
    held = state.accounts[asked.account_id].positions.values()
    return sorted(
        (position for position in held if asked.symbol in (None, position.symbol)), key=lambda position: position.number
    )


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
    by_trigger = RULES[state.rules_version].fee_by_trigger
    fee, liquidation_fee, returned, shortfall, insurance_paid, written_off = settle(
        position,
        notional=notional,
        equity=equity,
        insurance=state.insurance,
        is_liquidated=reason == "liquidation" if by_trigger else is_liquidatable(equity, requirement),
    )
    return PositionClosed(
        header(state, context, position.account_id),
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
