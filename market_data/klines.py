"""How Backpack's klines of past minutes are requested over REST, page by page, within its rate limit."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import httpx
import msgspec
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from market_data.conversion import scaled
from market_data.envelopes import LOGGED_MAX
from market_data.simulated_history import MinuteCandle
from runtime.addresses import is_local
from runtime.json_faults import why_not_decoded
from schemas.messages import Instrument
from schemas.units import INT64_MAX, MINUTE, SECOND, NotRepresentable

PATH: Final = "/api/v1/klines"
PAGE_MINUTES: Final = 900  # fewer than the thousand rows an answer may have
TIMEOUT_S: Final = 10.0
JITTER_S: Final = 1.0
OK: Final = 200

log = structlog.get_logger(__name__)


class RequestPacing(NamedTuple):
    """How often the server is asked. 30 requests a minute are allowed; a failed one is repeated for `give_up_s`."""

    between_s: float = 2.1
    backoff_max_s: float = 60.0
    give_up_s: float = 600.0


class KlinesUnavailable(Exception):
    """The server did not answer as documented, after all retries; the text says what it did."""


class Kline(msgspec.Struct, frozen=True):
    """A row of the answer, as far as it is used; the prices are null where nothing was traded."""

    start: str
    open: str | None
    high: str | None
    low: str | None
    close: str | None


def backpack_history(
    url: str, instrument: Instrument, start: int, end: int, pace: RequestPacing
) -> Iterator[MinuteCandle]:
    """Give an instrument's minutes in [start, end), µs, oldest first; those without a trade are missing.

    KlinesUnavailable when the server cannot be brought to answer.
    """
    try:
        # A proxy of the environment is for the world outside; a server on this machine is met directly.
        client = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=not is_local(url))
    # Where a SOCKS proxy is set, the library needs a package that is not installed: that is an ImportError.
    except (ImportError, httpx.InvalidURL, ValueError) as error:
        raise KlinesUnavailable(f"{type(error).__name__}: {error}") from error
    left_out, symbol = 0, instrument.symbol
    with client:
        at = start
        while at < end:
            page_end = min(at + PAGE_MINUTES * MINUTE, end)
            rows = {when: row for when, row in _page(client, symbol, at, page_end, pace) if at <= when < page_end}
            for when in sorted(rows):
                minute = _minute(when, rows[when], instrument.tick_exponent)
                if minute is None:
                    left_out += 1
                else:
                    yield minute
            # An answer that stops early is gone on from; an empty one is a gap.
            at = max(rows) + MINUTE if rows else page_end
            time.sleep(pace.between_s if at < end else 0)
    if left_out:
        log.info("minutes without a trade, or with impossible prices, are left out", symbol=symbol, count=left_out)


def _page(client: httpx.Client, symbol: str, start: int, end: int, pace: RequestPacing) -> list[tuple[int, Kline]]:
    """Ask for one page until it is answered, with growing pauses; each row with its minute."""
    retrying = Retrying(
        retry=retry_if_exception_type((httpx.HTTPError, KlinesUnavailable)),
        wait=wait_exponential_jitter(max=pace.backoff_max_s, jitter=min(JITTER_S, pace.backoff_max_s)),
        stop=stop_after_delay(pace.give_up_s),
        before_sleep=_log_retry,
        reraise=True,
    )
    try:
        return retrying(_request, client, symbol, start, end)
    except httpx.HTTPError as error:
        raise KlinesUnavailable(f"{type(error).__name__}: {error}") from error


def _request(client: httpx.Client, symbol: str, start: int, end: int) -> list[tuple[int, Kline]]:
    answer = client.get(
        PATH,
        params={"symbol": symbol, "interval": "1m", "startTime": start // SECOND, "endTime": end // SECOND},
    )
    if answer.status_code != OK:
        raise KlinesUnavailable(f"{answer.status_code}: {answer.text[:LOGGED_MAX]}")
    try:
        return [(_time_of(row.start), row) for row in msgspec.json.decode(answer.content, type=list[Kline])]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KlinesUnavailable(f"the answer is malformed: {why_not_decoded(error)}") from error
    except ValueError as error:
        raise KlinesUnavailable(f"the answer is malformed: {error}") from error


def _log_retry(state: RetryCallState) -> None:
    error = None if state.outcome is None else state.outcome.exception()
    pause = 0.0 if state.next_action is None else state.next_action.sleep
    log.warning(
        "klines are not available yet", why=f"{type(error).__name__}: {error}"[:LOGGED_MAX], again_in_s=round(pause)
    )


def _time_of(text: str) -> int:
    """Read a time, µs; one without a zone is UTC. ValueError when it is none, or not a minute's beginning."""
    moment = datetime.fromisoformat(text)
    micros = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * SECOND
    if micros % MINUTE or moment.microsecond:
        raise ValueError(f"{text!r} is not where a minute begins")
    return micros


def _minute(start: int, row: Kline, exponent: int) -> MinuteCandle | None:
    """Give a row on the instrument's grid, to the nearest half tick; None where it has no or impossible prices."""
    prices = []
    for digits in (row.open, row.high, row.low, row.close):
        try:
            units, divisor = scaled(digits or "", exponent)
        except NotRepresentable:
            return None
        prices.append((4 * units + divisor) // (2 * divisor))
    opened, high, low, closed = prices
    ordered = 0 < low <= min(opened, closed) and max(opened, closed) <= high <= INT64_MAX
    return MinuteCandle(start, *prices) if ordered else None
