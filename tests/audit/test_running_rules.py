"""What the audit judges by records of its own: a core that decides against the rules is named, with the rule."""

from collections.abc import Callable

import pytest

from audit.verify.running_laws import RunningLaws
from engine.core.state import State
from engine.core.step import step
from schemas.commands import CloseAll, Command, ReduceOldest, SetAccountLimits, SetClock
from schemas.events import AllClosed, Event
from schemas.messages import Tick
from schemas.record import replace
from schemas.units import Ticks, Timestamp
from tests.properties.plant import plant
from tests.properties.plant_newest import NEWEST_RULES
from tests.spec.exchange import RULES, Exchange, born
from tests.spec.language import (
    ALICE,
    BTC,
    ETH,
    Step,
    close,
    deposit,
    given,
    last_tick,
    long,
    market,
    price,
    prices,
    short,
    tick,
    wait,
)

VERSION = 2
DEFECTS = {defect.name: defect for defect in NEWEST_RULES}
RICH = (deposit(5_000), market(BTC, 50_000), market(ETH, 2_500))


def vouched(symbol: str, *, other: int = 0, drift: int = 0) -> Step:
    """A mark of the last accepted tick, or of another update."""

    def mark(exchange: Exchange) -> None:
        named = last_tick(exchange, symbol)
        named = replace(named, update_id=named.update_id + other)
        exchange.send(replace(prices(exchange, exchange.now + 1_000 + drift), marks=(named,)))

    return mark


def wide(*, drift: int) -> Step:
    """A tick whose spread is refused, from a sender whose clock is off (µs)."""

    def send(exchange: Exchange) -> None:
        time = exchange.now + 1_000
        exchange.send(prices(exchange, time + drift, tick(BTC, 50_000, 50_600, time)), at=time)

    return send


def close_all() -> Step:
    return lambda exchange: exchange.send(CloseAll(command_id=exchange.new_id(), account_id=ALICE))


def at_most(count: int) -> Step:
    return lambda exchange: exchange.send(
        SetAccountLimits(command_id=exchange.new_id(), shard=0, broadcast="limits", positions_max=count)
    )


def reduce_oldest(lots: int) -> Step:
    return lambda exchange: exchange.send(
        ReduceOldest(
            command_id=exchange.new_id(), account_id=ALICE, symbol=BTC, side="long", leverage=5_000, quantity=lots
        )
    )


def commands_of(*steps: Step, fee_rate: int = 0) -> list[tuple[int, Command | None]]:
    """What is sent to a sound core."""
    token = RULES.set(VERSION)
    try:
        return given(fee_rate=fee_rate).when(*steps).exchange.commands
    finally:
        RULES.reset(token)


def judged(commands: list[tuple[int, Command | None]], change: Callable[[Event], Event] = lambda event: event) -> str:
    """What the audit says of the events this core makes of commands, one sentence a line."""
    state: State = born(0, 1, VERSION)
    laws, found = RunningLaws(state), []
    for time, command in commands:
        events = step(state, command, offset=state.next_offset, time=time)
        found += laws.broken_by(command, [change(event) for event in events])
    return "\n".join(found)


WIDE = price(BTC, 50_000, 50_600)  # more than 0.3 %
# Each by what a sound core makes no fault of, and by the sentence that a core with the defect gets.
CASES: dict[str, tuple[tuple[Step, ...], str]] = {
    "a mark counts that names another update": (
        (*RICH, vouched(BTC, other=1)),
        "PRICE-18: the mark of BTC_USDC counts, and it does not name the last accepted tick",
    ),
    "a mark counts though its clock is off": (
        (*RICH, vouched(BTC, drift=2_000_001)),
        "PRICE-18: the mark of BTC_USDC counts, and its sender's clock is off",
    ),
    "a contradicted price is fresh though a clock is off": (
        (*RICH, long(BTC, margin=100), wide(drift=2_000_001), close(1)),
        "PRICE-12: position 0-1 was traded, and the price was stale",
    ),
    "a newer tick that was refused is forgotten": (
        (*RICH, WIDE, vouched(BTC)),
        "PRICE-19: the mark of BTC_USDC counts, and a newer tick was refused",
    ),
    "a price is never too old to open at": (
        (*RICH, market(BTC, 50_000), wait("2.000001"), long(BTC, margin=100)),
        "PRICE-20: position 0-1 was opened at a price heard 2001001 µs ago",
    ),
    "a tick keeps its range": (
        (*RICH, lambda exchange: exchange.send(with_a_range(exchange))),
        "PRICE-23: the range of BTC_USDC is 999990 to 1000010, and not the tick's own",
    ),
    "an account may have any number of positions": (
        (*RICH, at_most(1), long(BTC, margin=100), short(BTC, margin=100)),
        "OPEN-18: position 0-2 is one of 2, and 1 may be open",
    ),
    "a close of all closes at stale prices": (
        (*RICH, long(BTC, margin=100), long(ETH, margin=100), wait(3), price(ETH, 2_500), wait(3), close_all()),
        "PRICE-12: position 0-1 was traded, and the price was stale",
    ),
    "a close of all begins with the newest": (
        (*RICH, long(BTC, margin=100), long(ETH, margin=100), close_all()),
        "CLOSE-08: 0-2, 0-1 closed, where 0-1, 0-2 should, in this order",
    ),
    "a stop in a gap pays the liquidation fee": (
        (*RICH, long(BTC, margin=100, leverage=50, stop=49_500), price(BTC, 49_200)),
        "receipt of 0-1: liquidation_fee is",
    ),
    "a reduction says what was asked for": (
        (*RICH, long(BTC, quantity="0.1", leverage=50), reduce_oldest(1_579)),
        "PART-11: quantity is 1579, and 10000 lots closed",
    ),
}


def with_a_range(exchange: Exchange) -> Command:
    """BTC's price again, with a range."""
    later = Timestamp(exchange.now + 1_000)
    seen = Tick(
        symbol=BTC,
        bid=Ticks(500_000),
        ask=Ticks(500_000),
        low=999_990,
        high=1_000_010,
        source_time=later,
        update_id=0,
    )
    return prices(exchange, later, seen)


@pytest.mark.pure
@pytest.mark.parametrize("name", CASES)
def test_a_core_that_decides_against_a_rule_is_named_with_the_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, sentence = CASES[name]
    commands = commands_of(*steps, fee_rate=100_000 if "asked for" in name else 0)
    assert judged(commands) == ""
    plant(monkeypatch, DEFECTS[name])
    assert sentence in judged(commands)


def test_log_time_that_goes_back_is_named_unless_the_clock_was_set() -> None:
    clock = SetClock(command_id="clock", shard=0, broadcast="clock")
    back = 600_000_000
    commands = commands_of(*RICH, deposit(1), lambda exchange: exchange.send(clock, at=exchange.now - back))
    assert judged(commands) == ""

    def earlier(event: Event) -> Event:
        return replace(event, time=Timestamp(event.time - back)) if event.command_offset == last else event

    last = len(commands) - 2
    assert "CMD-13: log time goes back from" in judged(commands[:-1], earlier)


def test_a_position_that_a_close_of_all_leaves_open_for_no_reason_is_named() -> None:
    commands = commands_of(*RICH, long(BTC, margin=100), close_all())

    def leaves_it(event: Event) -> Event:
        return replace(event, left=("0-1",), positions=0) if isinstance(event, AllClosed) else event

    found = judged(commands, leaves_it)
    assert "CLOSE-08: 0-1 closed, where none should, in this order" in found
    assert "CLOSE-08: positions is 0, and 1 closed" in found


def test_a_position_that_could_have_been_closed_and_stays_is_named() -> None:
    commands = commands_of(
        *RICH, long(BTC, margin=100), long(ETH, margin=100), wait(3), price(ETH, 2_500), wait(3), close_all()
    )
    assert judged(commands) == ""

    def leaves_both(event: Event) -> Event:
        return replace(event, left=("0-1", "0-2", "0-9")) if isinstance(event, AllClosed) else event

    found = judged(commands, leaves_both)
    assert "CLOSE-08: position 0-2 stays, and its market would have let it close" in found
    assert "CLOSE-08: position 0-9 stays, and was none of those to close" in found
    assert "position 0-1 stays" not in found
