"""How administrators change a market: the change is stored, then sent to every shard until each has answered."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from api.admin.schemas import (
    AccountLimitsRequest,
    BroadcastReply,
    BroadcastsReply,
    InstrumentRequest,
    ParametersRequest,
)
from api.dispatch.request_options import RequestOptions
from api.http.amounts import leverage, money, quantity, rate
from api.http.numbers import units_of
from api.http.problems import MALFORMED, REFUSALS, ApiError, Fault, malformed, not_found
from api.http.sentences import Details
from api.http.times import text_of
from api.log.broadcasts import CLOCK, LIMITS, MARKET, PARAMETERS, Broadcasts, StoredBroadcast
from api.log.price_cache import PriceCache
from api.store.users import User
from runtime.times import micros_at
from schemas.bounds import NOTIONAL_LIMITS, RATES, bounds_of, parameters_out_of_bounds
from schemas.instruments import INSTRUMENTS
from schemas.messages import Instrument, MarketStatus
from schemas.plain_data import instruments_of
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import MONEY_EXPONENT

WAIT_S: Final = 2.0
PAUSE_S: Final = 0.05
TRIES: Final = 5  # of a change while others change the same market
MILLISECOND: Final = 1_000  # µs
FIELDS: Final = {"open_age_max": "open_age_max_ms"}  # where a request has another name for a parameter


async def set_status(
    broadcasts: Broadcasts,
    prices: PriceCache,
    by: User,
    symbol: str,
    status: MarketStatus,
    options: RequestOptions,
) -> BroadcastReply:
    """Let a market trade, only close, or halt."""
    _instrument(prices, symbol)
    name = f"{MARKET}{options.command_id(by.account_id)}"
    if not await broadcasts.store_market_status(name, symbol, status, by.user_id):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return await _answered(broadcasts, name)


async def set_parameters(
    broadcasts: Broadcasts, prices: PriceCache, by: User, symbol: str, request: ParametersRequest
) -> BroadcastReply:
    """Change parameters of an instrument, on top of the last change of it."""
    _instrument(prices, symbol)

    def changed(stored: list[StoredBroadcast]) -> Instrument:
        instrument = _changed(_latest(stored, symbol) or _instrument(prices, symbol), request)
        _refuse_unsound(instrument)
        return instrument

    return await _store_next(broadcasts, by, changed)


async def _store_next(
    broadcasts: Broadcasts, by: User, instrument_after: Callable[[list[StoredBroadcast]], Instrument]
) -> BroadcastReply:
    """Store what an instrument is after the changes there are, under the next number."""
    for _ in range(TRIES):
        stored = [one for one in await broadcasts.stored() if one.name.startswith(PARAMETERS)]
        name = f"{PARAMETERS}{1 + max((_number(one.name) for one in stored), default=1)}"
        if await broadcasts.store_instrument(name, instrument_after(stored), by.user_id):
            return await _answered(broadcasts, name)
    raise malformed("", "others change the instruments at the same time; try again")


async def define_instrument(
    broadcasts: Broadcasts, prices: PriceCache, by: User, request: InstrumentRequest
) -> BroadcastReply:
    """Define an instrument that there was not; once it is known, its parameters are changed one by one."""
    if request.symbol in prices.instruments:
        raise malformed("/symbol", f"{request.symbol} is defined already; change its parameters")
    new = new_instrument(request, None)
    return await _store_next(broadcasts, by, lambda _: new)


def new_instrument(request: InstrumentRequest, parameters: ParametersRequest | None) -> Instrument:
    """Give an instrument that there was not; parameters that are not named are as a ledger begins with them."""
    exponent = MONEY_EXPONENT - request.tick_exponent - request.lot_exponent
    if exponent < 0:
        sent, most = request.lot_exponent, MONEY_EXPONENT - request.tick_exponent
        message = f"is {sent}, and beside this tick_exponent must be at most {most}"
        raise malformed("/lot_exponent", message, maximum=most, sent=sent)
    new = replace(
        INSTRUMENTS[0],
        symbol=request.symbol,
        tick_exponent=request.tick_exponent,
        lot_exponent=request.lot_exponent,
        tick_value=10**exponent,
        quantity_max=units_of("/quantity_max", request.quantity_max, request.lot_exponent),
    )
    if parameters is not None:
        new = _changed(new, parameters)
    _refuse_unsound(new)
    return new


async def set_clock(broadcasts: Broadcasts, by: User, options: RequestOptions) -> BroadcastReply:
    """Let log time be the broker's again, in every shard."""
    name = f"{CLOCK}{options.command_id(by.account_id)}"
    if not await broadcasts.store_clock(name, by.user_id):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return await _answered(broadcasts, name)


async def set_account_limits(
    broadcasts: Broadcasts, by: User, request: AccountLimitsRequest, options: RequestOptions
) -> BroadcastReply:
    """Set what holds for every account."""
    name = f"{LIMITS}{options.command_id(by.account_id)}"
    if not await broadcasts.store_account_limits(name, request.positions_max, by.user_id):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return await _answered(broadcasts, name)


async def find(broadcasts: Broadcasts, name: str) -> BroadcastReply:
    """Give one broadcast."""
    found = next((one for one in await broadcasts.stored() if one.name == name), None)
    if found is None:
        raise not_found("broadcast", name, of_caller=False)
    return _shown(broadcasts, found)


async def all_of(broadcasts: Broadcasts) -> BroadcastsReply:
    """List the broadcasts, newest first."""
    return BroadcastsReply(items=[_shown(broadcasts, one) for one in reversed(await broadcasts.stored())])


async def _answered(broadcasts: Broadcasts, name: str) -> BroadcastReply:
    """Wait a moment for every shard's answer; give what is known then. A read that fails is tried again."""
    give_up = monotonic() + WAIT_S
    known: BroadcastReply | None = None
    while True:
        is_late = monotonic() > give_up
        try:
            known = await find(broadcasts, name)
        except SQLAlchemyError:
            if known is None and is_late:
                raise
        if known is not None and (is_late or not known.waiting):
            return known
        await asyncio.sleep(PAUSE_S)


def _instrument(prices: PriceCache, symbol: str) -> Instrument:
    instrument = prices.instruments.get(symbol)
    if instrument is None:
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN]._replace(status=404), f"There is no instrument {symbol!r}")
    return instrument


def _latest(stored: list[StoredBroadcast], symbol: str) -> Instrument | None:
    """Find the last change of an instrument; it may not have reached every shard."""
    for one in sorted(stored, key=lambda each: -_number(each.name)):
        for instrument in instruments_of(one.content):
            if instrument.symbol == symbol:
                return instrument
    return None


def _number(name: str) -> int:
    return int(name.removeprefix(PARAMETERS))


def _changed(instrument: Instrument, request: ParametersRequest) -> Instrument:
    fields = request.model_dump(exclude_unset=True)
    for name in ("quantity_min", "quantity_max"):
        if name in fields:
            fields[name] = units_of(f"/{name}", fields[name], instrument.lot_exponent)
    if "open_age_max_ms" in fields:
        age_max = fields.pop("open_age_max_ms")
        fields["open_age_max"] = None if age_max is None else age_max * MILLISECOND
    return replace(instrument, **fields)


def _refuse_unsound(instrument: Instrument) -> None:
    """Hold every parameter to the core's own bounds: refuse here what every shard would refuse."""
    faults = [_out_of_bounds(instrument, name) for name in parameters_out_of_bounds(instrument)]
    if faults:
        first = faults[0]
        raise ApiError(MALFORMED, f"{first.pointer}: {first.message}", faults=faults, details=first.details)


def _out_of_bounds(instrument: Instrument, name: str) -> Fault:
    """Say what a parameter may be and what it is, in the request's own units."""
    least, most = bounds_of(instrument)[name]
    sent, highest = _written(instrument, name, getattr(instrument, name)), _written(instrument, name, most)
    details: Details = {"sent": sent, "maximum": highest}
    if least is None:
        message = f"is {sent}, and must be at most {highest}"
    else:
        details["minimum"] = _written(instrument, name, least)
        message = f"is {sent}, and must be {details['minimum']} to {highest}"
    return Fault(pointer=f"/{FIELDS.get(name, name)}", message=message, details=details)


def _written(instrument: Instrument, name: str, value: int) -> str:
    if name in NOTIONAL_LIMITS:
        return money(value)
    if name in RATES:
        return rate(value)
    if name.startswith("quantity"):
        return quantity(instrument, value)
    if name.startswith("leverage"):
        return leverage(value)
    return str(max(1, value // MILLISECOND)) if name == "open_age_max" else str(value)


def _shown(broadcasts: Broadcasts, stored: StoredBroadcast) -> BroadcastReply:
    return BroadcastReply(
        name=stored.name,
        created_at=text_of(micros_at(stored.created_at)),
        answered=list(stored.answered),
        waiting=[shard for shard in broadcasts.shards if shard not in stored.answered],
        asked_by=None if stored.asked_by is None else str(stored.asked_by),
    )
