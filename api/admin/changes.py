"""How administrators change a market: the change is stored, then sent to every shard until each has answered."""

import asyncio
from time import monotonic
from typing import Final

import msgspec

from api.admin.schemas import BroadcastReply, BroadcastsReply, ParametersRequest
from api.dispatch.request_options import RequestOptions
from api.http.numbers import units_of
from api.http.problems import NOT_FOUND, REFUSALS, ApiError, Fault, malformed
from api.http.times import micros_of, text_of
from api.log.broadcasts import MARKET, PARAMETERS, Broadcasts, StoredBroadcast
from api.log.price_cache import PriceCache
from schemas.bounds import parameters_out_of_bounds
from schemas.messages import Instrument, MarketStatus
from schemas.rejections import Rejection

WAIT_S: Final = 2.0
PAUSE_S: Final = 0.05
TRIES: Final = 5  # of a change while others change the same market


async def set_status(
    broadcasts: Broadcasts,
    prices: PriceCache,
    account_id: str,
    symbol: str,
    status: MarketStatus,
    options: RequestOptions,
) -> BroadcastReply:
    """Let a market trade, only close, or halt."""
    _instrument(prices, symbol)
    name = f"{MARKET}{options.command_id(account_id)}"
    if not await broadcasts.store_market_status(name, symbol, status):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return await _answered(broadcasts, name)


async def set_parameters(
    broadcasts: Broadcasts, prices: PriceCache, symbol: str, request: ParametersRequest
) -> BroadcastReply:
    """Change parameters of an instrument, on top of the last change of it."""
    _instrument(prices, symbol)
    for _ in range(TRIES):
        stored = [one for one in await broadcasts.stored() if one.name.startswith(PARAMETERS)]
        name = f"{PARAMETERS}{1 + max((_number(one.name) for one in stored), default=1)}"
        changed = _changed(_latest(stored, symbol) or _instrument(prices, symbol), request)
        _refuse_unsound(changed)
        if await broadcasts.store_instrument(name, changed):
            return await _answered(broadcasts, name)
    raise malformed("", "others change the instruments at the same time; try again")


async def find(broadcasts: Broadcasts, name: str) -> BroadcastReply:
    """Give one broadcast."""
    found = next((one for one in await broadcasts.stored() if one.name == name), None)
    if found is None:
        raise ApiError(NOT_FOUND, "There is no broadcast of this name")
    return _shown(broadcasts, found)


async def all_of(broadcasts: Broadcasts) -> BroadcastsReply:
    """List the broadcasts, newest first."""
    return BroadcastsReply(items=[_shown(broadcasts, one) for one in reversed(await broadcasts.stored())])


async def _answered(broadcasts: Broadcasts, name: str) -> BroadcastReply:
    """Wait a moment for every shard's answer; give what is known then."""
    give_up = monotonic() + WAIT_S
    while True:
        broadcast = await find(broadcasts, name)
        if not broadcast.waiting or monotonic() > give_up:
            return broadcast
        await asyncio.sleep(PAUSE_S)


def _instrument(prices: PriceCache, symbol: str) -> Instrument:
    instrument = prices.instruments.get(symbol)
    if instrument is None:
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN]._replace(status=404), f"There is no instrument {symbol!r}")
    return instrument


def _latest(stored: list[StoredBroadcast], symbol: str) -> Instrument | None:
    """Find the last change of an instrument; it may not have reached every shard."""
    for one in sorted(stored, key=lambda each: -_number(each.name)):
        for instrument in msgspec.convert(one.content, tuple[Instrument, ...]):
            if instrument.symbol == symbol:
                return instrument
    return None


def _number(name: str) -> int:
    return int(name.removeprefix(PARAMETERS))


def _changed(instrument: Instrument, request: ParametersRequest) -> Instrument:
    fields = {name: value for name, value in request.model_dump(exclude_unset=True).items() if value is not None}
    for name in ("quantity_min", "quantity_max"):
        if name in fields:
            fields[name] = units_of(f"/{name}", fields[name], instrument.lot_exponent)
    return msgspec.structs.replace(instrument, **fields)


def _refuse_unsound(instrument: Instrument) -> None:
    """Hold every parameter to the core's own bounds: refuse here what every shard would refuse."""
    wrong = parameters_out_of_bounds(instrument)
    faults = [Fault(pointer=f"/{name}", message="is out of range") for name in wrong]
    if faults:
        error = malformed(faults[0].pointer, faults[0].message)
        error.faults = faults
        raise error


def _shown(broadcasts: Broadcasts, stored: StoredBroadcast) -> BroadcastReply:
    return BroadcastReply(
        name=stored.name,
        created_at=text_of(micros_of(stored.created_at)),
        answered=list(stored.answered),
        waiting=[shard for shard in broadcasts.shards if shard not in stored.answered],
    )
