"""The order of refusals: a command that breaks two rules is refused for the first of them, whichever two they are."""

import re
from itertools import combinations
from typing import Final

import msgspec
import pytest

from schemas.commands import (
    ActivateRules,
    ClosePosition,
    Command,
    Deposit,
    OpenAccount,
    OpenPosition,
    SelectFeed,
    SetAccountLimits,
    SetMarketStatus,
    UpdatePrices,
)
from schemas.events import CommandRejected, PositionOpened
from schemas.instruments import BY_SYMBOL
from schemas.messages import MarketStatus
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.sharding import shard_of
from tests.house.project import ROOT
from tests.spec.exchange import PACE, Exchange
from tests.spec.language import BTC, FEED, RUN, alive, lots, price, seconds, ticks, usdc, wait

RULES_DOCUMENT: Final = ROOT / "docs" / "rules.md"
SHARDS: Final = 4
HERE: Final = [f"user-{n}" for n in range(50) if shard_of(f"user-{n}", SHARDS) == 0]
ELSEWHERE: Final = next(f"user-{n}" for n in range(50) if shard_of(f"user-{n}", SHARDS) != 0)
OWNER, NOBODY = HERE[:2]


class Fault(msgspec.Struct, frozen=True):
    """One way to break a rule: with other fields of the order, other parameters of the instrument, or another world."""

    fields: dict[str, object] = {}
    parameters: dict[str, int] = {}
    status: MarketStatus | None = None
    first_deposit: int | None = None
    deadline: int | None = None  # µs from the command's own time
    world: tuple[str, ...] = ()


BELOW = usdc(50_000) - 1  # one micro less than the order's notional
FAULTS: Final[dict[Rejection, Fault]] = {
    Rejection.WRONG_SHARD: Fault(fields={"account_id": ELSEWHERE}),
    Rejection.ACCOUNT_UNKNOWN: Fault(fields={"account_id": NOBODY}),
    Rejection.COMMAND_ID_REUSED: Fault(world=("reused",)),
    Rejection.TOO_MANY_COMMANDS: Fault(world=("full",)),
    Rejection.DEADLINE_PASSED: Fault(deadline=-1),
    Rejection.DEADLINE_TOO_FAR: Fault(deadline=seconds(300) + 1),
    Rejection.MALFORMED: Fault(fields={"client_order_id": "?"}),
    Rejection.SYMBOL_UNKNOWN: Fault(fields={"symbol": "DOGE_USDC"}),
    Rejection.MARKET_HALTED: Fault(status="halted"),
    Rejection.MARKET_CLOSE_ONLY: Fault(status="close_only"),
    Rejection.NO_PRICE: Fault(world=("no price",)),
    Rejection.PRICE_UNCONFIRMED: Fault(world=("unconfirmed",)),
    Rejection.PRICE_STALE: Fault(world=("stale",)),
    Rejection.PRICE_TOO_OLD: Fault(world=("old",)),
    Rejection.CLOCK_SUSPECT: Fault(world=("suspect",)),
    Rejection.LEVERAGE_OUT_OF_RANGE: Fault(fields={"leverage": 10_001}),
    Rejection.SLIPPAGE_EXCEEDED: Fault(fields={"expected_price": ticks(BTC, 40_000)}),
    Rejection.AMOUNT_NOT_POSITIVE: Fault(fields={"quantity": 0}),
    Rejection.BELOW_MINIMUM: Fault(parameters={"quantity_min": lots(BTC, 2)}),
    Rejection.ABOVE_MAXIMUM: Fault(parameters={"quantity_max": lots(BTC, "0.5")}),
    Rejection.POSITION_NOTIONAL_LIMIT: Fault(parameters={"notional_max": BELOW}),
    Rejection.ACCOUNT_NOTIONAL_LIMIT: Fault(parameters={"account_notional_max": BELOW}),
    Rejection.SIDE_NOTIONAL_LIMIT: Fault(parameters={"side_notional_max": BELOW}),
    Rejection.TOO_MANY_POSITIONS: Fault(world=("crowded",)),
    Rejection.STOP_LOSS_WRONG_SIDE: Fault(fields={"stop_loss": ticks(BTC, 50_000)}),
    Rejection.TAKE_PROFIT_WRONG_SIDE: Fault(fields={"take_profit": ticks(BTC, 50_000)}),
    Rejection.LIQUIDATABLE_AT_ONCE: Fault(parameters={"maintenance_rate": 200_000}),
    Rejection.INSUFFICIENT_MARGIN: Fault(first_deposit=usdc(5_000) - 1),
    Rejection.CLIENT_ORDER_ID_USED: Fault(fields={"client_order_id": "mine"}, world=("named",)),
}
CANNOT_COEXIST: Final = {
    (Rejection.ACCOUNT_UNKNOWN, Rejection.COMMAND_ID_REUSED): "an unknown account has no ids",
    (Rejection.DEADLINE_PASSED, Rejection.DEADLINE_TOO_FAR): "a deadline is one moment",
    (Rejection.SYMBOL_UNKNOWN, Rejection.MARKET_HALTED): "an unknown symbol has no market",
    (Rejection.MARKET_HALTED, Rejection.MARKET_CLOSE_ONLY): "a market has one status",
    (Rejection.NO_PRICE, Rejection.CLIENT_ORDER_ID_USED): "the position that used it was filled at a price",
    (Rejection.NO_PRICE, Rejection.TOO_MANY_POSITIONS): "the positions were filled at a price",
    (Rejection.BELOW_MINIMUM, Rejection.ABOVE_MAXIMUM): "the least is at most the most",
}
SINCE: Final = {Rejection.PRICE_TOO_OLD: 2, Rejection.TOO_MANY_POSITIONS: 2}  # the version of the rules
FORGOTTEN: Final = (Rejection.PRICE_UNCONFIRMED, Rejection.PRICE_STALE)  # PRICE-21: never both under version 2
SLOW: Final = Rejection.TOO_MANY_COMMANDS
ORDER: Final = OpenPosition(
    command_id="order", account_id=OWNER, symbol=BTC, side="long", quantity=lots(BTC, 1), leverage=1_000
)


def refusal_of(*faults: Fault) -> Rejection | None:
    """Build the world and the order with all these faults, and say why it is refused."""
    world = {name for fault in faults for name in fault.world}
    exchange = Exchange(0, SHARDS)
    parameters = {name: value for fault in faults for name, value in fault.parameters.items()}
    exchange.define(BY_SYMBOL[BTC])
    exchange.succeed(SelectFeed(name=FEED, run=RUN, live=False))
    first_deposit = min([usdc(100_000), *(fault.first_deposit for fault in faults if fault.first_deposit is not None)])
    exchange.succeed(OpenAccount(command_id="open", account_id=OWNER, first_deposit=first_deposit))
    if "named" in world:
        _quote(exchange, set())
        exchange.succeed(replace(ORDER, command_id="named", quantity=lots(BTC, "0.001"), client_order_id="mine"))
    if "crowded" in world:
        _quote(exchange, set())
        exchange.succeed(replace(ORDER, command_id="first", quantity=lots(BTC, "0.001")))
        exchange.succeed(SetAccountLimits(command_id="limits", shard=0, broadcast="limits", positions_max=1))
    exchange.define(replace(BY_SYMBOL[BTC], **parameters))
    if "reused" in world:
        exchange.succeed(Deposit(command_id=ORDER.command_id, account_id=OWNER, amount=1))
    if "full" in world:
        for number in range(600):
            exchange.send(Deposit(command_id=f"d-{number}", account_id=OWNER, amount=1))
    _quote(exchange, world)
    for status in {fault.status for fault in faults if fault.status is not None}:
        exchange.succeed(SetMarketStatus(command_id="s", shard=0, broadcast="b", symbol=BTC, status=status))
    order = ORDER
    for fault in faults:
        order = replace(order, **fault.fields)
        if fault.deadline is not None:
            order = replace(order, deadline=exchange.now + PACE + fault.deadline)
    outcome = exchange.send(order)[0]
    if isinstance(outcome, CommandRejected):
        return Rejection(outcome.rejection)
    assert isinstance(outcome, PositionOpened)
    return None


def _quote(exchange: Exchange, world: set[str]) -> None:
    """Bring the price to what the world asks for."""
    if "no price" not in world:
        price(BTC, 50_000)(exchange)
        exchange.now += seconds(1)
        price(BTC, 50_000)(exchange)
    if "unconfirmed" in world:
        price(BTC, 60_000)(exchange)
    if "suspect" in world:
        alive(drift=seconds(3))(exchange)
    if "old" in world:
        wait(3)(exchange)
    if "stale" in world:
        wait(5)(exchange)


def _coexist(first: Rejection, second: Rejection, rules_version: int) -> bool:
    """Say whether one order may break both rules under a version."""
    if max(SINCE.get(first, 1), SINCE.get(second, 1)) > rules_version:
        return False
    if rules_version > 1 and {*FORGOTTEN} == {first, second}:
        return False
    return (first, second) not in CANNOT_COEXIST


def test_cmd_17_without_a_fault_the_order_is_executed() -> None:
    assert refusal_of() is None


@pytest.mark.parametrize("rejection", FAULTS, ids=lambda rejection: rejection.name)
def test_cmd_17_each_fault_alone_has_its_own_refusal(rejection: Rejection, rules_version: int) -> None:
    if SINCE.get(rejection, 1) > rules_version:
        return
    assert refusal_of(FAULTS[rejection]) is rejection


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in zip(FAULTS, list(FAULTS)[1:], strict=False) if pair not in CANNOT_COEXIST],
    ids=lambda rejection: rejection.name,
)
def test_cmd_17_of_two_neighbours_the_first_is_the_refusal(
    first: Rejection, second: Rejection, rules_version: int
) -> None:
    if not _coexist(first, second, rules_version):
        return
    # Where both need the same field, the first one's value breaks the second rule as well.
    assert refusal_of(FAULTS[second], FAULTS[first]) is first


def test_cmd_17_of_any_two_the_first_in_the_table_is_the_refusal(rules_version: int) -> None:
    """All that coexist, not the neighbours alone. A field two faults both need is one command's at a time."""
    for first, second in combinations(FAULTS, 2):
        one, other = FAULTS[first], FAULTS[second]
        if not _coexist(first, second, rules_version) or SLOW in (first, second):
            continue
        if one.fields.keys() & other.fields.keys():
            continue
        if first is Rejection.ACCOUNT_UNKNOWN and other.world:
            continue
        assert refusal_of(one, other) is first, f"{first.name} and {second.name}"


def test_cmd_17_the_table_is_in_order_and_the_other_numbers_belong_to_other_commands() -> None:
    table = re.findall(r"^\| \d+ \| ([A-Z_]+) \|", RULES_DOCUMENT.read_text(), re.MULTILINE)
    assert [rejection.name for rejection in FAULTS] == [name for name in table if Rejection[name] in FAULTS]
    assert set(Rejection) - set(FAULTS) == {
        Rejection.NOT_DECODABLE,  # bytes break no second rule
        Rejection.ACCOUNT_CLOSED,  # no account is closed yet
        Rejection.ACCOUNT_EXISTS,
        Rejection.FEED_NOT_SELECTED,
        Rejection.POSITION_NOT_OPEN,
        Rejection.DEPOSIT_LIMIT,
        Rejection.BALANCE_LIMIT,
        Rejection.RULES_VERSION_NOT_NEXT,
    }


WRONG_FEED: Final = UpdatePrices(feed="recorded", run="x", sent_at=1, ticks=(), alive=())
DEPOSIT: Final = Deposit(command_id="d", account_id=OWNER, amount=1)
OTHER_PAIRS: Final[tuple[tuple[Rejection, Rejection, Command], ...]] = (
    (
        Rejection.WRONG_SHARD,
        Rejection.MALFORMED,
        SetMarketStatus(command_id="", shard=1, broadcast="", symbol=BTC, status="open"),
    ),
    (
        Rejection.ACCOUNT_EXISTS,
        Rejection.COMMAND_ID_REUSED,
        OpenAccount(command_id="open", account_id=OWNER, first_deposit=7),
    ),
    (Rejection.MALFORMED, Rejection.FEED_NOT_SELECTED, replace(WRONG_FEED, sent_at=0)),
    (
        Rejection.MALFORMED,
        Rejection.SYMBOL_UNKNOWN,
        SetMarketStatus(command_id="s", shard=0, broadcast="", symbol="DOGE_USDC", status="open"),
    ),
    (
        Rejection.POSITION_NOT_OPEN,
        Rejection.MARKET_HALTED,
        ClosePosition(command_id="c", account_id=NOBODY, position_id="0-1"),
    ),
    (Rejection.DEADLINE_PASSED, Rejection.AMOUNT_NOT_POSITIVE, replace(DEPOSIT, deadline=1, amount=0)),
    (Rejection.DEPOSIT_LIMIT, Rejection.BALANCE_LIMIT, replace(DEPOSIT, amount=usdc(100_001))),
    (Rejection.MALFORMED, Rejection.AMOUNT_NOT_POSITIVE, replace(DEPOSIT, command_id="", amount=0)),
    (
        Rejection.MALFORMED,
        Rejection.RULES_VERSION_NOT_NEXT,
        ActivateRules(command_id="r", shard=0, broadcast="", version=7),
    ),
)


@pytest.mark.parametrize(
    ("first", "second", "command"), OTHER_PAIRS, ids=[f"{a.name}-{b.name}" for a, b, _ in OTHER_PAIRS]
)
def test_cmd_17_the_other_commands_keep_the_same_order(first: Rejection, second: Rejection, command: Command) -> None:
    assert first < second
    exchange = Exchange(0, SHARDS)
    exchange.define()
    exchange.succeed(SelectFeed(name=FEED, run=RUN, live=False))
    exchange.succeed(OpenAccount(command_id="open", account_id=OWNER, first_deposit=usdc(10**9)))
    exchange.succeed(OpenAccount(command_id="open", account_id=NOBODY, first_deposit=0))
    _quote(exchange, set())
    exchange.succeed(ORDER)
    exchange.succeed(SetMarketStatus(command_id="h", shard=0, broadcast="b", symbol=BTC, status="halted"))
    outcome = exchange.send(command)[0]
    assert isinstance(outcome, CommandRejected)
    assert Rejection(outcome.rejection) is first
