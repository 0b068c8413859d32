"""given(...).when(...).then(...): the language of the specification, in the market's own words.

Money is in USDC, prices and quantities as a trader reads them; a string carries decimals, so nothing is a float.

Longer than 300 lines because a specification imports the whole language of its scenarios from one place.
"""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET, UnsetType

from engine.core.prices import condition
from engine.core.rules import RULES
from schemas.commands import (
    AmendStops,
    CloseAll,
    ClosePosition,
    Command,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    SelectFeed,
    SetMarketStatus,
    UpdatePrices,
    Withdraw,
)
from schemas.events import CommandRejected, PositionClosed, PositionReduced
from schemas.instruments import BY_SYMBOL
from schemas.messages import AliveMark, MarketStatus, Side, Tick
from schemas.record import replace
from schemas.units import LEVERAGE_EXPONENT, MONEY_EXPONENT, SECOND, Ticks, Timestamp, parse
from tests.spec.exchange import Exchange

BTC: Final = "BTC_USDC"
ETH: Final = "ETH_USDC"
SOL: Final = "SOL_USDC"
SYMBOLS: Final = (BTC, ETH, SOL)
SIDES: Final[tuple[Side, ...]] = ("long", "short")
ALICE: Final = "alice"
BOB: Final = "bob"
FEED: Final = "simulated"
RUN: Final = "run-1"
TICK_PACE: Final = 100_000  # µs from one price to the next
CONFIRMATION: Final = 500_000

Number = int | str
Step = Callable[[Exchange], object]
Check = Callable[[Exchange], None]


class Scenario:
    """A shard and its history so far."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def when(self, *steps: Step) -> "Scenario":
        """Do what the test is about; only its events are looked at by the next `then`."""
        self.exchange.unseen.clear()
        for step in steps:
            step(self.exchange)
        return self

    def then(self, *checks: Check) -> "Scenario":
        """Match events in order and check the ledger; no other close or refusal happened, and every law holds."""
        for check in checks:
            check(self.exchange)
        kinds = PositionClosed | PositionReduced | CommandRejected
        unexpected = [event for event in self.exchange.unseen if isinstance(event, kinds)]
        assert not unexpected, f"nobody expected {unexpected}"
        self.exchange.check()
        return self


def empty(shard: int = 0, shards: int = 1) -> Scenario:
    """Begin with an empty shard."""
    return Scenario(Exchange(shard, shards))


def given(*steps: Step, live: bool = False, **parameters: int) -> Scenario:
    """Begin with the three instruments (with other parameters, if given), a feed, and two accounts without money.

    What is given must succeed.
    """
    exchange = Exchange()
    exchange.define(*(replace(instrument, **parameters) for instrument in BY_SYMBOL.values()))
    exchange.succeed(SelectFeed(name="backpack" if live else FEED, run="live" if live else RUN, live=live))
    for who in (ALICE, BOB):
        exchange.succeed(OpenAccount(command_id=exchange.new_id(), account_id=who, first_deposit=0))
    for step in steps:
        before = len(exchange.events)
        step(exchange)
        refused = [event for event in exchange.events[before:] if isinstance(event, CommandRejected)]
        assert not refused, f"what is given was refused: {refused}"
    exchange.unseen.clear()
    return Scenario(exchange)


def usdc(amount: Number) -> int:
    """Give micros."""
    return parse(str(amount), MONEY_EXPONENT)


def ticks(symbol: str, price: Number) -> int:
    """Give a price in ticks."""
    return parse(str(price), BY_SYMBOL[symbol].tick_exponent if symbol in BY_SYMBOL else 0)


def lots(symbol: str, quantity: Number) -> int:
    """Give a quantity in lots."""
    return parse(str(quantity), BY_SYMBOL[symbol].lot_exponent if symbol in BY_SYMBOL else 0)


def hundredths(leverage: Number) -> int:
    """Give a leverage in hundredths."""
    return parse(str(leverage), LEVERAGE_EXPONENT)


def sent(command: Command | None, *, at: int | None = None) -> Step:
    """Send a command as it is."""
    return lambda exchange: exchange.send(command, at=at)


def wait(seconds: Number) -> Step:
    """Let log time pass; a command sent next comes exactly then."""

    def step(exchange: Exchange) -> None:
        exchange.now += parse(str(seconds), 6)

    return step


def each(*steps: Step) -> Step:
    """Do several things as one."""

    def all_of_them(exchange: Exchange) -> None:
        for step in steps:
            step(exchange)

    return all_of_them


def opens_account(who: str, first_deposit: Number = 0, *, id: str | None = None) -> Step:  # noqa: A002
    """Ask for an account."""
    return lambda exchange: exchange.send(
        OpenAccount(command_id=id or exchange.new_id(), account_id=who, first_deposit=usdc(first_deposit))
    )


def deposit(amount: Number, *, who: str = ALICE, id: str | None = None) -> Step:  # noqa: A002
    """Bring money in, as often as the day's limit asks for."""
    return lambda exchange: exchange.send(
        Deposit(command_id=id or exchange.new_id(), account_id=who, amount=usdc(amount))
    )


def withdraw(amount: Number, *, who: str = ALICE, id: str | None = None) -> Step:  # noqa: A002
    """Take money out."""
    return lambda exchange: exchange.send(
        Withdraw(command_id=id or exchange.new_id(), account_id=who, amount=usdc(amount))
    )


def price(
    symbol: str,
    bid: Number,
    ask: Number | None = None,
    *,
    at: int | None = None,
    source_time: int | None = None,
    update_id: int = 0,
) -> Step:
    """Send one tick, a tenth of a second after the last command; without an ask both sides are the bid."""

    def step(exchange: Exchange) -> None:
        time = exchange.now + TICK_PACE if at is None else at
        moment = time if source_time is None else source_time
        exchange.send(prices(exchange, time, tick(symbol, bid, ask, moment, update_id)), at=time)

    return step


def tick(symbol: str, bid: Number, ask: Number | None, source_time: int, update_id: int = 0) -> Tick:
    """Give a tick whose range is its own mid."""
    low = ticks(symbol, bid)
    high = low if ask is None else ticks(symbol, ask)
    return Tick(
        symbol=symbol,
        bid=Ticks(low),
        ask=Ticks(high),
        low=low + high,
        high=low + high,
        source_time=Timestamp(source_time),
        update_id=update_id,
    )


def prices(exchange: Exchange, sent_at: int, *seen: Tick, alive: tuple[str, ...] = ()) -> UpdatePrices:
    """Give a price command of the selected feed."""
    feed = exchange.state.feed
    name, run = (feed.name, feed.run) if feed is not None else (FEED, RUN)
    return UpdatePrices(feed=name, run=run, sent_at=sent_at, ticks=seen, alive=alive)


def alive(*symbols: str, drift: int = 0) -> Step:
    """Say that the feed was heard without a new tick. drift: the sender's clock ahead of log time, µs."""

    def step(exchange: Exchange) -> None:
        time = exchange.now + TICK_PACE
        if RULES[exchange.state.rules_version].marks_name_ticks:
            marks = tuple(last_tick(exchange, symbol) for symbol in symbols)
            exchange.send(replace(prices(exchange, time + drift), marks=marks), at=time)
        else:
            exchange.send(prices(exchange, time + drift, alive=symbols), at=time)

    return step


def last_tick(exchange: Exchange, symbol: str) -> AliveMark:
    """Give the mark of a feed whose last tick was the last accepted one."""
    market = exchange.state.markets.get(symbol)
    quote = None if market is None else market.quote
    if quote is None:
        return AliveMark(symbol=symbol, source_time=Timestamp(0), update_id=0)
    return AliveMark(symbol=symbol, source_time=quote.source_time, update_id=quote.update_id)


def market(symbol: str, bid: Number, ask: Number | None = None) -> Step:
    """Bring a symbol to a price that trades, however far it is: a tick, and where it is held another one."""

    def step(exchange: Exchange) -> None:
        price(symbol, bid, ask)(exchange)
        if condition(exchange.state, symbol, exchange.now) != "fresh":
            exchange.now += CONFIRMATION - TICK_PACE
            price(symbol, bid, ask)(exchange)
        assert condition(exchange.state, symbol, exchange.now) == "fresh", f"{symbol} at {bid} is not fresh"

    return step


def opens(
    side: Side,
    symbol: str,
    *,
    margin: Number | None = None,
    quantity: Number | None = None,
    leverage: Number = 10,
    at: Number | None = None,
    stop: Number | None = None,
    take: Number | None = None,
    expected: Number | None = None,
    slippage_bps: int | None = None,
    who: str = ALICE,
    id: str | None = None,  # noqa: A002
    deadline: int | None = None,
    name: str | None = None,
) -> Step:
    """Ask for a position. at: bring the market to this price first. deadline: µs from now."""

    def in_ticks(value: Number | None) -> int | None:
        return None if value is None else ticks(symbol, value)

    def step(exchange: Exchange) -> None:
        if at is not None:
            market(symbol, at)(exchange)
        exchange.send(
            OpenPosition(
                command_id=id or exchange.new_id(),
                account_id=who,
                deadline=None if deadline is None else exchange.now + deadline,
                symbol=symbol,
                side=side,
                margin=None if margin is None else usdc(margin),
                quantity=None if quantity is None else lots(symbol, quantity),
                leverage=hundredths(leverage),
                expected_price=in_ticks(expected),
                slippage_bps=slippage_bps,
                stop_loss=in_ticks(stop),
                take_profit=in_ticks(take),
                client_order_id=name,
            )
        )

    return step


def long(symbol: str, **terms: object) -> Step:
    """Ask for a long position."""
    return opens("long", symbol, **terms)  # type: ignore[arg-type]  # `opens` checks the names.


def short(symbol: str, **terms: object) -> Step:
    """Ask for a short position."""
    return opens("short", symbol, **terms)  # type: ignore[arg-type]  # `opens` checks the names.


def close(number: int, *, who: str = ALICE, id: str | None = None) -> Step:  # noqa: A002
    """Ask to close the n-th position of the shard."""
    return lambda exchange: exchange.send(
        ClosePosition(
            command_id=id or exchange.new_id(), account_id=who, position_id=f"{exchange.state.shard}-{number}"
        )
    )


def close_all(symbol: str | None = None, *, who: str = ALICE, id: str | None = None) -> Step:  # noqa: A002
    """Ask to close every position, or those of a symbol."""
    return lambda exchange: exchange.send(CloseAll(command_id=id or exchange.new_id(), account_id=who, symbol=symbol))


def reduce(
    number: int,
    quantity: Number,
    *,
    symbol: str = BTC,
    who: str = ALICE,
    id: str | None = None,  # noqa: A002
) -> Step:
    """Ask to close so much of the n-th position of the shard."""
    return lambda exchange: exchange.send(
        ReducePosition(
            command_id=id or exchange.new_id(),
            account_id=who,
            position_id=f"{exchange.state.shard}-{number}",
            quantity=lots(symbol, quantity),
        )
    )


def reduce_oldest(
    quantity: Number,
    *,
    symbol: str = BTC,
    side: Side = "long",
    leverage: Number = 1,
    who: str = ALICE,
    id: str | None = None,  # noqa: A002
) -> Step:
    """Ask to close so much of one's oldest positions of a kind."""
    return lambda exchange: exchange.send(
        ReduceOldest(
            command_id=id or exchange.new_id(),
            account_id=who,
            symbol=symbol,
            side=side,
            leverage=hundredths(leverage),
            quantity=lots(symbol, quantity),
        )
    )


def amend(
    number: int,
    *,
    stop: Number | UnsetType | None = UNSET,
    take: Number | UnsetType | None = UNSET,
    symbol: str = BTC,
    who: str = ALICE,
    id: str | None = None,  # noqa: A002
) -> Step:
    """Ask for another stop or take; None takes it off, what is not named stays."""

    def in_ticks(value: Number | UnsetType | None) -> int | None:
        return None if value is None or isinstance(value, UnsetType) else ticks(symbol, value)

    return lambda exchange: exchange.send(
        AmendStops(
            command_id=id or exchange.new_id(),
            account_id=who,
            position_id=f"{exchange.state.shard}-{number}",
            amend_stop_loss=stop is not UNSET,
            stop_loss=in_ticks(stop),
            amend_take_profit=take is not UNSET,
            take_profit=in_ticks(take),
        )
    )


def set_status(symbol: str, status: MarketStatus, *, id: str | None = None) -> Step:  # noqa: A002
    """Open, restrict or halt a market."""
    return lambda exchange: exchange.send(
        SetMarketStatus(
            command_id=id or exchange.new_id(),
            shard=exchange.state.shard,
            broadcast="status",
            symbol=symbol,
            status=status,
        )
    )


def halt(symbol: str) -> Step:
    """Halt a market."""
    return set_status(symbol, "halted")


def unhalt(symbol: str) -> Step:
    """Open a market again."""
    return set_status(symbol, "open")


def close_only(symbol: str) -> Step:
    """Let a market only close."""
    return set_status(symbol, "close_only")


def feed(name: str, run: str, *, live: bool = False) -> Step:
    """Select a feed."""
    return sent(SelectFeed(name=name, run=run, live=live))


def seconds(number: int) -> int:
    """Give µs."""
    return number * SECOND
