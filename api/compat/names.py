"""Which instrument a seed's client means: `SOL`, `SOL_USDC` and `SOLUSDT` are one."""

from typing import Final

from api.app_state import AppState
from api.http.problems import REFUSALS, ApiError, Fault
from schemas.messages import Instrument
from schemas.rejections import Rejection

ENDINGS: Final = ("_USDC", "_USDT", "USDC", "USDT")


def instrument_named(state: AppState, name: str, field: str = "/asset") -> Instrument:
    """Give the instrument; what is none is refused, and never replaced by another. field: where the name came."""
    instrument = state.prices.instruments.get(f"{short(name.strip().upper())}_USDC")
    if instrument is None:
        detail = f"There is no instrument {name!r}"
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN], detail, faults=[Fault(pointer=field, message=detail)])
    return instrument


def short(symbol: str) -> str:
    """Write `SOL_USDC` as `SOL`."""
    for ending in ENDINGS:
        if symbol.endswith(ending) and symbol != ending:
            return symbol.removesuffix(ending)
    return symbol


def spot(symbol: str) -> str:
    """Write `SOL_USDC` as `SOLUSDT`, as a spot venue names it."""
    return f"{short(symbol)}USDT"
