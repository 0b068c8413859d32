"""Which feed a start gets: one that can play, and by no accident another market's prices for open positions."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from market_data.recorded_feed import no_quote_of, open_recording, read_speed
from projector.queries import instruments, last_feed, open_position_count
from runtime.errors import FixableError
from runtime.setting_values import FEEDS, RECORDED, is_feed
from stack.one_connection import one_connection

Report = Callable[[str], None]
NOT_PASSED_ON: Final = frozenset('"\\\n')  # what the process manager takes for its own in a value


class FeedChoice(NamedTuple):
    """The options of `up` for the feed.

    held: the symbols of a recording with their highest price, null where it may have more of them.
    """

    feed: str
    speed: str
    loop: bool
    spread_bps: int
    change: bool
    symbol: str | None = None
    held: Mapping[str, Fraction] | None = None

    def environment(self) -> dict[str, str]:
        return {
            "FEED": self.feed,
            "FEED_SPEED": self.speed,
            "FEED_LOOP": str(self.loop).lower(),
            "FEED_SPREAD_BPS": str(self.spread_bps),
            "FEED_SYMBOL": self.symbol or "",
        }


class LastStart(NamedTuple):
    """What the last start of an instance played: its choice, and the symbol named for a recording of bars."""

    feed: str
    symbol: str | None


def validated(choice: FeedChoice, report: Report) -> FeedChoice:
    """The choice with its file's full path; FixableError when it cannot be meant, or its recording cannot be played."""
    speed = read_speed(choice.speed)
    if not is_feed(choice.feed):
        meant = f" Is {RECORDED}{choice.feed} meant?" if Path(choice.feed).expanduser().is_file() else ""
        raise FixableError(f"--feed is {FEEDS}, not {choice.feed!r}.{meant}")
    if not choice.feed.startswith(RECORDED):
        return choice
    file = Path(choice.feed.removeprefix(RECORDED)).expanduser().absolute()
    if NOT_PASSED_ON & set(str(file)):
        raise FixableError(
            f"The process manager cannot pass on a name with a quotation mark, a backslash or a line break: {file}. "
            "Rename the file."
        )
    summary = open_recording(file, choice.spread_bps, speed, choice.symbol).check()
    if summary.notice is not None:
        report(summary.notice)
    return choice._replace(feed=f"{RECORDED}{file}", held=summary.highest if summary.is_whole else None)


def refuse_unknown_market(choice: FeedChoice, symbols: Collection[str], followed: Collection[str] | None) -> None:
    """Refuse a recording that has nothing of the ledger's instruments. followed: the only ones to follow, if named."""
    wanted = [symbol for symbol in symbols if followed is None or symbol in followed]
    if choice.held is not None and not choice.held.keys() & set(wanted):
        file = Path(choice.feed.removeprefix(RECORDED))
        raise FixableError(no_quote_of(file, choice.held, wanted))


def refuse_prices_below_ticks(
    choice: FeedChoice, exponents: Mapping[str, int], followed: Collection[str] | None
) -> None:
    """Refuse a recording of which no price is one of the exchange's. exponents: decimal places by symbol.

    A bid is rounded down to a tick, and below the first there is none.
    """
    held = choice.held or {}
    played = [symbol for symbol in held if followed is None or symbol in followed]
    below = [symbol for symbol in played if symbol in exponents and held[symbol] < Fraction(1, 10 ** exponents[symbol])]
    if below and len(below) == len(played):
        file = Path(choice.feed.removeprefix(RECORDED))
        symbol = below[0]
        raise FixableError(
            f"{file} has no price that the exchange takes: the highest of {symbol} is {_plain(held[symbol])}, and its "
            f"least is {_plain(Fraction(1, 10 ** exponents[symbol]))}. Name the market it is of with --symbol, or play "
            "another recording."
        )


def allowed(
    choice: FeedChoice, database_url: str, last_start: LastStart | None, report: Report, *, production: bool
) -> FeedChoice:
    """The choice as the open positions allow it: `auto` keeps the last feed's kind, another one is refused.

    In production `auto` is Backpack, whatever the last feed was: its prices are never made up.
    """
    if production and choice.feed == "auto":
        choice = choice._replace(feed="backpack")
    if choice.change:
        return choice
    with one_connection(database_url) as connection:
        count, last = open_position_count(connection), last_feed(connection)
    if count == 0 or last is None or _kind(choice.feed) == last.name:
        return choice
    if choice.feed != "auto":
        raise FixableError(
            f"{count} positions are open, priced by the {last.name} feed. Another market's prices could close them: "
            "start with the same feed, or with --change-feed if you mean it."
        )
    if last.name != "recorded":
        return choice._replace(feed=last.name)
    if last_start is None or _kind(last_start.feed) != "recorded":
        raise FixableError(
            f"{count} positions are open, priced by a recording. Name it with --feed recorded:FILE, or "
            "choose another with --change-feed."
        )
    return validated(choice._replace(feed=last_start.feed, symbol=choice.symbol or last_start.symbol), report)


def known_exponents(database_url: str) -> dict[str, int]:
    """The instruments of the ledger as far as they are projected, with the decimal places of their prices."""
    with one_connection(database_url) as connection:
        return {row.instrument.symbol: row.instrument.tick_exponent for row in instruments(connection)}


def _plain(price: Fraction) -> str:
    """Write a price of a recording, which is a decimal, as one."""
    return format(Decimal(price.numerator) / price.denominator, "f")


def _kind(feed: str) -> str:
    return feed.partition(":")[0]
