"""The checks of a specification, of the ledger: prices, open positions, cash, funds, and the last legs."""

from engine.core.prices import condition
from schemas.derived import PriceState
from schemas.ledger_records import Account
from tests.spec.exchange import Exchange
from tests.spec.language import ALICE, Check, Number, ticks, usdc


def condition_is(symbol: str, expected: PriceState) -> Check:
    """A symbol's price is worth this now."""

    def check(exchange: Exchange) -> None:
        assert condition(exchange.state, symbol, exchange.now) == expected

    return check


def quote_is(symbol: str, bid: Number, ask: Number | None = None) -> Check:
    """A symbol's last accepted tick is this."""

    def check(exchange: Exchange) -> None:
        quote = exchange.state.markets[symbol].quote
        assert quote is not None
        assert (quote.bid, quote.ask) == (ticks(symbol, bid), ticks(symbol, bid if ask is None else ask))

    return check


def is_open(*numbers: int) -> Check:
    """Just these positions are open."""

    def check(exchange: Exchange) -> None:
        assert list(exchange.state.positions) == [f"{exchange.state.shard}-{number}" for number in numbers]

    return check


def cash(amount: Number, *, who: str = ALICE) -> Check:
    """An account has this free margin."""

    def check(exchange: Exchange) -> None:
        assert account(exchange, who).cash == usdc(amount)

    return check


def balance(amount: Number, *, who: str = ALICE) -> Check:
    """An account has this in cash and margin together."""

    def check(exchange: Exchange) -> None:
        assert account(exchange, who).cash + account(exchange, who).margin == usdc(amount)

    return check


def account(exchange: Exchange, who: str) -> Account:
    """Find an account."""
    return exchange.state.accounts[who]


def insurance(amount: Number) -> Check:
    """The insurance fund holds this."""

    def check(exchange: Exchange) -> None:
        assert exchange.state.insurance == usdc(amount)

    return check


def fees(amount: Number) -> Check:
    """The exchange earned this in fees."""

    def check(exchange: Exchange) -> None:
        assert exchange.state.fees == usdc(amount)

    return check


def house(amount: Number) -> Check:
    """The other side of all profits and losses holds this."""

    def check(exchange: Exchange) -> None:
        assert exchange.state.house == usdc(amount)

    return check


def legs(*moves: tuple[str, str, Number]) -> Check:
    """The last command's outcome moved this money: from, to, USDC."""

    def check(exchange: Exchange) -> None:
        found = getattr(exchange.last[-1], "legs", None)
        assert found is not None
        assert [(leg.source, leg.target, leg.amount) for leg in found] == [
            (source, target, usdc(amount)) for source, target, amount in moves
        ]

    return check
