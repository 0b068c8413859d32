"""Which channels there are, by name: `ticks.SYMBOL`, `candles.INTERVAL.SYMBOL`, `account`, `alerts`."""

from collections.abc import Mapping
from typing import Final, NamedTuple, get_args

from api.http.problems import NOT_FOUND, ApiError
from projector.queries import Interval
from schemas.messages import Instrument

ACCOUNT: Final = "account"
ALERTS: Final = "alerts"
PRIVATE: Final = (ACCOUNT, ALERTS)
INTERVALS: Final[dict[str, Interval]] = {interval: interval for interval in get_args(Interval)}


class PublicChannel(NamedTuple):
    """A channel that anybody may listen to; without an interval it is a symbol's ticks."""

    name: str
    interval: Interval | None
    instrument: Instrument


def public_channel(name: str, instruments: Mapping[str, Instrument]) -> PublicChannel:
    """Read a public channel's name; 404 where there is none."""
    match name.split("."):
        case ["ticks", symbol] if symbol in instruments:
            return PublicChannel(name, None, instruments[symbol])
        case ["candles", interval, symbol] if interval in INTERVALS and symbol in instruments:
            return PublicChannel(name, INTERVALS[interval], instruments[symbol])
        case _:
            raise ApiError(NOT_FOUND, f"There is no channel {name!r}")


def ticks_of(symbol: str) -> str:
    """Name the channel of a symbol's ticks."""
    return f"ticks.{symbol}"
