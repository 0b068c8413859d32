"""Whether a position may be opened, at which price, and with how much margin."""

from string import ascii_letters, digits
from typing import Final, NamedTuple

from engine.core.bounds import MEMORY
from engine.core.context import CommandContext, header, rejected
from engine.core.liquidation import is_liquidatable, liquidation_price_of, requirement_of
from engine.core.margin import fee_of, margin_of, notional_of, profit_of, quantity_of
from engine.core.market import quote_of, refuse_closed, refuse_price
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.stops import refuse_stops, ticks_or_null, warnings_of
from schemas.bounds import ID_LENGTH_MAX, PRICE_MAX
from schemas.commands import OpenPosition
from schemas.derived import entry_price, exit_price
from schemas.events import Event, PositionOpened
from schemas.ids import position_id
from schemas.ledger_records import Quote
from schemas.messages import Instrument, Leg
from schemas.rejections import Rejection
from schemas.units import BPS, Hundredths, Lots, Micros, Ticks

CLIENT_ORDER_ID_MAX: Final = 36
CLIENT_ORDER_ID_CHARACTERS: Final = ascii_letters + digits + "._:-"


class _Fill(NamedTuple):
    """What the position would be. Ticks, lots, micros."""

    price: Ticks
    quantity: Lots
    notional: Micros
    margin: Micros
    fee: Micros


def decide_open(state: State, command: OpenPosition, context: CommandContext) -> Event:
    """Open a position, or refuse it with the first reason that holds."""
    rejection = _refuse_market(state, command, context.time)
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    instrument = state.instruments[command.symbol]
    quote = quote_of(state, command.symbol)
    rejection = _refuse_terms(command, instrument, quote)
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    fill = _fill(command, instrument, quote)
    rejection = (
        _refuse_size(state, command, instrument, fill)
        or refuse_stops(command.side, quote, command.stop_loss, command.take_profit)
        or _refuse_margin(state, command, instrument, quote, fill)
        or _refuse_client_order_id(state, command, context.time)
    )
    if rejection is not None:
        return rejected(state, context, rejection, command.account_id)
    # From here on the command must succeed.
    return _opened(state, command, context, instrument, quote, fill)


def _refuse_market(state: State, command: OpenPosition, time: int) -> Rejection | None:
    if _is_malformed(command):
        return Rejection.MALFORMED
    if command.symbol not in state.instruments:
        return Rejection.SYMBOL_UNKNOWN
    rejection = refuse_closed(state, command.symbol, opening=True) or refuse_price(state, command.symbol, time)
    if rejection is not None:
        return rejection
    if _is_too_old(state, command.symbol, time):
        return Rejection.PRICE_TOO_OLD
    return Rejection.CLOCK_SUSPECT if state.clock_suspect else None


def _is_too_old(state: State, symbol: str, time: int) -> bool:
    """Say whether a fresh price was last heard too long ago to open at."""
    age_max = state.instruments[symbol].open_age_max
    if age_max is None:
        age_max = RULES[state.rules_version].open_age_max
    return age_max is not None and time - quote_of(state, symbol).heard_at > age_max


def _is_malformed(command: OpenPosition) -> bool:
    """Look for what makes no sense whatever the market is."""
    if (command.margin is None) == (command.quantity is None):
        return True
    if command.slippage_bps is not None and not 0 <= command.slippage_bps <= BPS:
        return True
    prices = (command.expected_price, command.stop_loss, command.take_profit)
    if any(price is not None and not 0 < price <= PRICE_MAX for price in prices):
        return True
    name = command.client_order_id
    return len(command.symbol) > ID_LENGTH_MAX or (name is not None and not _is_client_order_id(name))


def _is_client_order_id(name: str) -> bool:
    return 0 < len(name) <= CLIENT_ORDER_ID_MAX and all(character in CLIENT_ORDER_ID_CHARACTERS for character in name)


def _refuse_terms(command: OpenPosition, instrument: Instrument, quote: Quote) -> Rejection | None:
    if not instrument.leverage_min <= command.leverage <= instrument.leverage_max:
        return Rejection.LEVERAGE_OUT_OF_RANGE
    if command.expected_price is not None:
        bps = instrument.slippage_bps if command.slippage_bps is None else command.slippage_bps
        if command.side == "long" and quote.ask * BPS > command.expected_price * (BPS + bps):
            return Rejection.SLIPPAGE_EXCEEDED
        if command.side == "short" and quote.bid * BPS < command.expected_price * (BPS - bps):
            return Rejection.SLIPPAGE_EXCEEDED
    amount = command.margin if command.quantity is None else command.quantity
    return Rejection.AMOUNT_NOT_POSITIVE if amount is None or amount <= 0 else None


def _fill(command: OpenPosition, instrument: Instrument, quote: Quote) -> _Fill:
    """Price the position: a long opens at the ask, a short at the bid, whatever the client expected."""
    price = entry_price(command.side, quote.bid, quote.ask)
    leverage = Hundredths(command.leverage)
    if command.quantity is not None:
        quantity = Lots(command.quantity)
        notional = notional_of(quantity, price, instrument.tick_value)
        margin = margin_of(notional, leverage)
    else:
        assert command.margin is not None
        margin = Micros(command.margin)
        quantity = quantity_of(margin, leverage, price, instrument.tick_value)
        notional = notional_of(quantity, price, instrument.tick_value)
    return _Fill(price, quantity, notional, margin, fee_of(notional, instrument.fee_rate))


def _refuse_size(state: State, command: OpenPosition, instrument: Instrument, fill: _Fill) -> Rejection | None:
    if fill.quantity < instrument.quantity_min:
        return Rejection.BELOW_MINIMUM
    if fill.quantity > instrument.quantity_max:
        return Rejection.ABOVE_MAXIMUM
    if fill.notional > instrument.notional_max:
        return Rejection.POSITION_NOTIONAL_LIMIT
    account = state.accounts[command.account_id]
    if account.open_notional.get(command.symbol, 0) + fill.notional > instrument.account_notional_max:
        return Rejection.ACCOUNT_NOTIONAL_LIMIT
    market = state.markets[command.symbol]
    side_notional = market.long_notional if command.side == "long" else market.short_notional
    if side_notional + fill.notional > instrument.side_notional_max:
        return Rejection.SIDE_NOTIONAL_LIMIT
    if RULES[state.rules_version].positions_limited and len(account.positions) >= state.positions_max:
        return Rejection.TOO_MANY_POSITIONS
    return None


def _refuse_margin(
    state: State, command: OpenPosition, instrument: Instrument, quote: Quote, fill: _Fill
) -> Rejection | None:
    notional = notional_of(fill.quantity, exit_price(command.side, quote.bid, quote.ask), instrument.tick_value)
    equity = fill.margin + profit_of(command.side, notional, fill.notional)
    requirement = requirement_of(notional, fill.margin, instrument.maintenance_rate, instrument.margin_floor_rate)
    if is_liquidatable(equity, requirement):
        return Rejection.LIQUIDATABLE_AT_ONCE
    if state.accounts[command.account_id].cash < fill.margin + fill.fee:
        return Rejection.INSUFFICIENT_MARGIN
    return None


def _refuse_client_order_id(state: State, command: OpenPosition, time: int) -> Rejection | None:
    """Let a client order id open one position in ten minutes; after them the API finds it in the database."""
    if command.client_order_id is None:
        return None
    used_at = state.accounts[command.account_id].client_order_ids.get(command.client_order_id)
    return Rejection.CLIENT_ORDER_ID_USED if used_at is not None and used_at + MEMORY > time else None


def _opened(
    state: State, command: OpenPosition, context: CommandContext, instrument: Instrument, quote: Quote, fill: _Fill
) -> PositionOpened:
    liquidation_price = liquidation_price_of(
        command.side,
        quantity=fill.quantity,
        entry_notional=fill.notional,
        margin=fill.margin,
        tick_value=instrument.tick_value,
        maintenance_rate=instrument.maintenance_rate,
        margin_floor_rate=instrument.margin_floor_rate,
    )
    legs = [Leg(source="CASH", target="MARGIN", amount=fill.margin)]
    if fill.fee:
        legs.append(Leg(source="CASH", target="FEES", amount=fill.fee))
    return PositionOpened(
        header(state, context, command.account_id),
        position_id=position_id(state.shard, state.next_position),
        symbol=command.symbol,
        side=command.side,
        quantity=fill.quantity,
        price=fill.price,
        notional=fill.notional,
        margin=fill.margin,
        leverage=Hundredths(command.leverage),
        fee=fill.fee,
        fee_rate=instrument.fee_rate,
        maintenance_rate=instrument.maintenance_rate,
        margin_floor_rate=instrument.margin_floor_rate,
        liquidation_fee_rate=instrument.liquidation_fee_rate,
        liquidation_price=liquidation_price,
        stop_loss=ticks_or_null(command.stop_loss),
        take_profit=ticks_or_null(command.take_profit),
        warnings=warnings_of(command.side, command.stop_loss, liquidation_price),
        bid=quote.bid,
        ask=quote.ask,
        tick_source_time=quote.source_time,
        tick_offset=quote.offset,
        client_order_id=command.client_order_id,
        legs=tuple(legs),
    )
