"""How administrators change a market: what is to hold is stored, and said to every shard until each has answered."""

import asyncio
from time import monotonic
from typing import Final

import msgspec

from api.admin.schemas import Broadcast, Broadcasts, ParametersRequest
from api.app_state import Parts
from api.dispatch.request_options import Asked
from api.http.numbers import units_of
from api.http.problems import NOT_FOUND, REFUSALS, ApiError, Fault, malformed
from api.http.times import micros_of, text_of
from api.log.broadcasts import MARKET, PARAMETERS, Stored
from schemas.bounds import parameters_out_of_bounds
from schemas.messages import Instrument, MarketStatus
from schemas.rejections import Rejection

WAIT_S: Final = 2.0
PAUSE_S: Final = 0.05
TRIES: Final = 5  # of a change while others change the same market


async def set_status(parts: Parts, account_id: str, symbol: str, status: MarketStatus, asked: Asked) -> Broadcast:
    """Let a market trade, only close, or halt."""
    _instrument(parts, symbol)
    name = f"{MARKET}{asked.command_id(account_id)}"
    if not await parts.broadcasts.store_market_status(name, symbol, status):
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return await _said(parts, name)


async def set_parameters(parts: Parts, symbol: str, request: ParametersRequest) -> Broadcast:
    """Change parameters of an instrument, on top of whatever was last said of it."""
    _instrument(parts, symbol)
    for _ in range(TRIES):
        stored = [one for one in await parts.broadcasts.stored() if one.name.startswith(PARAMETERS)]
        name = f"{PARAMETERS}{1 + max((_number(one.name) for one in stored), default=1)}"
        changed = _changed(_latest(stored, symbol) or _instrument(parts, symbol), request)
        _refuse_unsound(changed)
        if await parts.broadcasts.store_instrument(name, changed):
            return await _said(parts, name)
    raise malformed("", "others change the instruments at the same time; try again")


async def find(parts: Parts, name: str) -> Broadcast:
    """Give one broadcast."""
    found = next((one for one in await parts.broadcasts.stored() if one.name == name), None)
    if found is None:
        raise ApiError(NOT_FOUND, "There is no broadcast of this name")
    return _shown(parts, found)


async def all_of(parts: Parts) -> Broadcasts:
    """List the broadcasts, newest first."""
    return Broadcasts(items=[_shown(parts, one) for one in reversed(await parts.broadcasts.stored())])


async def _said(parts: Parts, name: str) -> Broadcast:
    """Wait a moment for every shard's answer; give what is known then."""
    give_up = monotonic() + WAIT_S
    while True:
        broadcast = await find(parts, name)
        if not broadcast.waiting or monotonic() > give_up:
            return broadcast
        await asyncio.sleep(PAUSE_S)


def _instrument(parts: Parts, symbol: str) -> Instrument:
    instrument = parts.prices.instruments.get(symbol)
    if instrument is None:
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN]._replace(status=404), f"There is no instrument {symbol!r}")
    return instrument


def _latest(stored: list[Stored], symbol: str) -> Instrument | None:
    """Find what was last said of an instrument; it may not have reached every shard."""
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


def _shown(parts: Parts, stored: Stored) -> Broadcast:
    return Broadcast(
        name=stored.name,
        created_at=text_of(micros_of(stored.created_at)),
        answered=list(stored.answered),
        waiting=[shard for shard in range(parts.settings.shards) if shard not in stored.answered],
    )
