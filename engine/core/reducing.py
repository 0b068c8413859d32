"""What closing a part of a position pays, and what is left of the position; of one, or of the oldest of its kind."""

from typing import NamedTuple

from engine.core.bounds import NO_LOTS, NOTHING
from engine.core.closing import closed, legs_of
from engine.core.context import CommandContext, header, rejected
from engine.core.liquidation import is_liquidatable, liquidation_price_of, requirement_of
from engine.core.margin import fee_of, margin_of, notional_of, profit_of, released_of
from engine.core.market import quote_of, refuse_closed, refuse_price
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.stops import owned_position, warnings_of
from schemas.bounds import ID_LENGTH_MAX
from schemas.commands import ReduceOldest, ReducePosition
from schemas.derived import exit_price
from schemas.events import Event, OldestReduced, PositionClosed, PositionReduced
from schemas.ledger_records import Position
from schemas.messages import Instrument
from schemas.rejections import Rejection
from schemas.units import Hundredths, Lots, Micros, Ticks


class _Part(NamedTuple):
    """What goes of a position, and what stays. Ticks, lots, micros."""

    price: Ticks
    notional: Micros
    entry_notional: Micros
    profit: Micros
    fee: Micros
    released: Micros
    returned: Micros
    quantity_left: Lots
    entry_notional_left: Micros
    margin_left: Micros


def decide_reduce(state: State, command: ReducePosition, context: CommandContext) -> Event:
    """Close a part of a position for its owner, at the server's price."""
    position = owned_position(state, command.account_id, command.position_id)
    if position is None:
        return rejected(state, context, Rejection.POSITION_NOT_OPEN, command.account_id)
    rejection = (
        refuse_closed(state, position.symbol, opening=False)
        or refuse_price(state, position.symbol, context.time)
        or _refuse_quantity(state.instruments[position.symbol], command.quantity, position.quantity)
    )
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    # From here on the command must succeed.
    return reduced(state, context, position, Lots(command.quantity))


def decide_reduce_oldest(state: State, command: ReduceOldest, context: CommandContext) -> Event:
    """Close lots of the account's oldest positions of a kind, all of that quantity or none; `step` reduces each."""
    rejection = _refuse_market(state, command, context.time)
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    shares = shares_of(state, command)
    # All but the last of them go whole.
    held = sum(position.quantity for position, _ in shares)
    rejection = _refuse_quantity(state.instruments[command.symbol], command.quantity, held)
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    # From here on the command must succeed.
    quote = quote_of(state, command.symbol)
    quantity = Lots(command.quantity)
    if RULES[state.rules_version].closed_quantity:
        quantity = sum((_closing_of(state, position, share) for position, share in shares), NO_LOTS)
    return OldestReduced(
        header(state, context, command.account_id),
        symbol=command.symbol,
        side=command.side,
        leverage=Hundredths(command.leverage),
        quantity=quantity,
        price=exit_price(command.side, quote.bid, quote.ask),
        positions=len(shares),
    )


def shares_of(state: State, reduction: ReduceOldest | OldestReduced) -> list[tuple[Position, Lots]]:
    """Give the positions that are reached, the oldest first, and how many lots go of each."""
    assert reduction.account_id is not None, "only an account reduces"
    shares = []
    kind = (reduction.symbol, reduction.side, reduction.leverage)
    left = Lots(reduction.quantity)
    for position in sorted(state.accounts[reduction.account_id].positions.values(), key=lambda each: each.number):
        if left <= 0:
            break
        if (position.symbol, position.side, position.leverage) == kind:
            quantity = min(left, position.quantity)
            shares.append((position, quantity))
            left -= quantity
    return shares


def _closing_of(state: State, position: Position, quantity: Lots) -> Lots:
    """Give how many lots go where so many are asked for: all of them where no rest can stay."""
    if quantity < position.quantity and _part(state, position, quantity) is not None:
        return quantity
    return position.quantity


def reduced(
    state: State, context: CommandContext, position: Position, quantity: Lots
) -> PositionClosed | PositionReduced:
    """Close so many lots at the executable price of the last accepted tick, and keep the rest as the same position.

    The position closes whole where nothing is left of it, or only what its fee would have liquidated at once.
    """
    part = _part(state, position, quantity) if quantity < position.quantity else None
    if part is None:
        return closed(state, context, position, "manual", None)
    instrument, quote = state.instruments[position.symbol], quote_of(state, position.symbol)
    notional = notional_of(position.quantity, part.price, instrument.tick_value)
    liquidation_price = liquidation_price_of(
        position.side,
        quantity=part.quantity_left,
        entry_notional=part.entry_notional_left,
        margin=part.margin_left,
        tick_value=instrument.tick_value,
        maintenance_rate=position.maintenance_rate,
        margin_floor_rate=position.margin_floor_rate,
    )
    return PositionReduced(
        header(state, context, position.account_id),
        position_id=position.position_id,
        symbol=position.symbol,
        side=position.side,
        quantity=quantity,
        quantity_left=part.quantity_left,
        entry_price=position.entry_price,
        price=part.price,
        reason="manual",
        notional=part.notional,
        entry_notional=part.entry_notional,
        entry_notional_left=part.entry_notional_left,
        margin=position.margin,
        margin_left=part.margin_left,
        profit=part.profit,
        equity=position.margin + profit_of(position.side, notional, position.entry_notional),
        requirement=requirement_of(notional, position.margin, position.maintenance_rate, position.margin_floor_rate),
        fee=part.fee,
        released=part.released,
        returned=part.returned,
        liquidation_price=liquidation_price,
        warnings=warnings_of(position.side, position.stop_loss, liquidation_price),
        opened_at=position.opened_at,
        bid=quote.bid,
        ask=quote.ask,
        tick_source_time=quote.source_time,
        tick_offset=quote.offset,
        legs=legs_of(
            ("HOUSE", "MARGIN", part.profit),
            ("MARGIN", "HOUSE", -part.profit),
            ("MARGIN", "FEES", part.fee),
            ("MARGIN", "CASH", part.returned),
        ),
    )


def _part(state: State, position: Position, quantity: Lots) -> _Part | None:
    """Work out what goes and what stays; null where what stays would be liquidated at once."""
    tick_value, quote = state.instruments[position.symbol].tick_value, quote_of(state, position.symbol)
    price = exit_price(position.side, quote.bid, quote.ask)
    notional = notional_of(quantity, price, tick_value)
    # A position has one entry price, so that its entry notional is divided without a rest.
    entry_notional = notional_of(quantity, position.entry_price, tick_value)
    profit = profit_of(position.side, notional, entry_notional)
    fee = fee_of(notional, position.fee_rate)
    quantity_left = position.quantity - quantity
    entry_notional_left = position.entry_notional - entry_notional
    notional_left = notional_of(quantity_left, price, tick_value)
    margin = position.margin + min(NOTHING, profit - fee)
    equity = margin + profit_of(position.side, notional_left, entry_notional_left)
    requirement = requirement_of(notional_left, margin, position.maintenance_rate, position.margin_floor_rate)
    if margin <= 0 or is_liquidatable(equity, requirement):
        return None
    # What stays can be opened so, is not liquidated, and can pay to be closed: so parts never pay more than the whole.
    kept = max(margin_of(notional_left, position.leverage), requirement, fee_of(notional_left, position.fee_rate))
    released = released_of(quantity, position.quantity, margin, equity, kept)
    return _Part(
        price=price,
        notional=notional,
        entry_notional=entry_notional,
        profit=profit,
        fee=fee,
        released=released,
        returned=max(NOTHING, profit - fee) + released,
        quantity_left=quantity_left,
        entry_notional_left=entry_notional_left,
        margin_left=margin - released,
    )


def _refuse_market(state: State, command: ReduceOldest, time: int) -> Rejection | None:
    if len(command.symbol) > ID_LENGTH_MAX:
        return Rejection.MALFORMED
    if command.symbol not in state.instruments:
        return Rejection.SYMBOL_UNKNOWN
    return refuse_closed(state, command.symbol, opening=False) or refuse_price(state, command.symbol, time)


def _refuse_quantity(instrument: Instrument, quantity: int, held: int) -> Rejection | None:
    """Compare with what is there; what stays of it is nothing, or as much as may be opened."""
    if quantity <= 0:
        return Rejection.AMOUNT_NOT_POSITIVE
    if 0 < held - quantity < instrument.quantity_min:
        return Rejection.BELOW_MINIMUM
    return Rejection.ABOVE_MAXIMUM if quantity > held else None
