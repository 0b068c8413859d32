"""The laws by running sums and the full laws agree: on a sound ledger, and on what is broken in it."""

from collections.abc import Callable

import pytest

from audit.verify.running_laws import RunningLaws
from engine.core.laws import broken
from engine.core.state import State, genesis
from engine.core.step import step
from schemas.codec import command_in
from schemas.commands import OpenAccount, OpenPosition, SelectFeed, UpdatePrices
from schemas.events import Event, PositionClosed, PositionOpened
from schemas.ledger_records import Account, Market, Position
from schemas.messages import Tick
from schemas.record import replace
from schemas.units import Lots, Micros, Ticks, Timestamp
from tests.audit.logs import MemoryLog, busy_log, golden_log, second_log
from tests.spec.exchange import Exchange
from tests.spec.language import ALICE, BTC, ticks

Spoil = Callable[[State], None]


class Shard:
    """A shard on which one account has one position, at a fresh price."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.laws = RunningLaws(self.exchange.state)
        self.exchange.define()
        self.judged(self.exchange.last)
        self.send(SelectFeed(name="simulated", run="run-1", live=False))
        self.tick(50_000)
        self.tick(50_000)
        self.send(OpenAccount(command_id="open", account_id=ALICE, first_deposit=10**9))
        self.send(self.order())

    @property
    def state(self) -> State:
        return self.exchange.state

    def send(self, command: OpenAccount | OpenPosition | SelectFeed | UpdatePrices) -> list[str]:
        """Execute a command; what the running laws say after it."""
        return self.judged(self.exchange.succeed(command))

    def judged(self, events: list[Event]) -> list[str]:
        """What the running laws say after the last command, were these its events."""
        return self.laws.broken_by(self.exchange.commands[-1][1], events)

    def order(self) -> OpenPosition:
        return OpenPosition(
            command_id=self.exchange.new_id(),
            account_id=ALICE,
            symbol=BTC,
            side="long",
            margin=100 * 10**6,
            leverage=5_000,
        )

    def tick(self, price: int) -> list[str]:
        self.exchange.now += 600_000
        at, now = ticks(BTC, price), self.exchange.now
        seen = Tick(
            symbol=BTC, bid=Ticks(at), ask=Ticks(at), low=2 * at, high=2 * at, source_time=Timestamp(now), update_id=0
        )
        return self.send(UpdatePrices(feed="simulated", run="run-1", sent_at=now, ticks=(seen,), alive=()))


def only_position(state: State) -> Position:
    (position,) = list(state.positions.values())[:1]
    return position


def market(state: State) -> Market:
    return state.markets[BTC]


def account(state: State) -> Account:
    return state.accounts[ALICE]


def set_to(target: Callable[[State], object], field: str, change: int) -> Spoil:
    def spoil(state: State) -> None:
        thing = target(state)
        setattr(thing, field, getattr(thing, field) + change)

    return spoil


def whole(state: State) -> State:
    return state


@pytest.mark.parametrize("log", [golden_log, busy_log, second_log], ids=["golden", "busy", "second"])
def test_running_laws_and_full_laws_hold_in_a_sound_ledger(log: Callable[[], MemoryLog]) -> None:
    parts = log().parts
    for shard, part in enumerate(parts):
        state = genesis(shard, len(parts))
        laws = RunningLaws(state)
        for record in part.commands:
            command = command_in(record.value, state.rules_version)
            events = step(state, command, offset=record.offset, time=record.timestamp_ms * 1_000)
            assert laws.broken_by(command, events) == []
            assert broken(state) == []


BREAKAGE: dict[str, Spoil] = {
    "law 1": set_to(whole, "house", 1),
    "law 2: BTC_USDC: clients": set_to(market, "house_quantity", 1),
    "law 2: BTC_USDC: the open": set_to(market, "long_notional", -1),
    "law 3": set_to(account, "cash", -(10**9)),
    "law 5: account": set_to(account, "margin", 1),
    "law 6": set_to(whole, "insurance", -1),
}


@pytest.mark.parametrize("law", BREAKAGE)
def test_a_broken_law_is_named_alike_by_running_laws_and_full_laws(law: str) -> None:
    shard = Shard()
    events = shard.exchange.succeed(shard.order())
    BREAKAGE[law](shard.state)
    assert named(shard.judged(events)) == named(broken(shard.state))
    assert any(sentence.startswith(law) for sentence in broken(shard.state))


def test_a_position_that_should_be_liquidated_is_named_by_running_laws_and_full_laws() -> None:
    shard = Shard()
    position = only_position(shard.state)
    shard.state.triggers.remove(position)
    position.liquidation_price = position.stop_loss = None
    found = shard.tick(49_246)
    assert (
        named(found)
        == named(broken(shard.state))
        == [f"law 4: position {position.position_id} is liquidatable and open"]
    )


def test_a_position_without_size_is_named_by_running_laws_and_full_laws() -> None:
    shard = Shard()
    events = shard.exchange.succeed(shard.order())
    opened = events[0]
    assert isinstance(opened, PositionOpened)
    shard.state.positions[opened.position_id].quantity = Lots(0)
    both = [named(shard.judged(events)), named(broken(shard.state))]
    sentence = f"law 5: position {opened.position_id} is open with no size, cost or margin"
    assert all(sentence in found for found in both)


def test_a_gap_in_seq_or_account_seq_and_a_second_outcome_are_named() -> None:
    shard = Shard()
    events = shard.exchange.succeed(shard.order())
    assert shard.judged(events) == []
    again = shard.judged(events)
    assert [sentence.partition(":")[0] for sentence in again if sentence.startswith(("law 7", "law 8"))] == [
        "law 7",
        "law 7",
        "law 8",
    ]


def test_a_receipt_with_a_wrong_sum_is_named() -> None:
    shard = Shard()
    shard.exchange.now += 600_000
    at = ticks(BTC, 49_000)
    seen = Tick(
        symbol=BTC,
        bid=Ticks(at),
        ask=Ticks(at),
        low=2 * at,
        high=2 * at,
        source_time=Timestamp(shard.exchange.now),
        update_id=0,
    )
    events = shard.exchange.succeed(
        UpdatePrices(feed="simulated", run="run-1", sent_at=shard.exchange.now, ticks=(seen,), alive=())
    )
    closed = events[1]
    assert isinstance(closed, PositionClosed)
    wrong: list[Event] = [events[0], replace(closed, requirement=closed.requirement - 1)]
    (sentence,) = shard.judged(wrong)
    assert sentence == (
        f"receipt of {closed.position_id}: requirement is {closed.requirement - 1}, and the sums give "
        f"{closed.requirement}"
    )


def test_an_account_changed_without_an_event_is_found_by_the_full_laws() -> None:
    shard = Shard()
    shard.state.accounts[ALICE].cash = Micros(shard.state.accounts[ALICE].cash + 1)
    assert shard.tick(50_001) == []
    assert broken(shard.state) == ["law 1: the sum of all ledger accounts is 1, not 0"]


def named(sentences: list[str]) -> list[str]:
    return sorted(sentences)
