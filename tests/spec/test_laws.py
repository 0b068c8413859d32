"""Laws: what is true after every command, and that the check of each law sees when it is not."""

from collections.abc import Callable

import pytest

from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.laws import broken
from engine.core.state import State
from engine.core.step import step
from schemas.units import Micros
from tests.spec.checks import repeated
from tests.spec.exchange import Exchange
from tests.spec.language import ALICE, BOB, BTC, close, deposit, given, halt, long, market, price, reduce, short


def busy() -> Exchange:
    """Give a shard with two accounts, positions on both sides, a liquidation and a stop behind it."""
    scenario = given(
        deposit(1_000),
        deposit(1_000, who=BOB),
        market(BTC, 50_000),
        long(BTC, margin=100, leverage=50),
        long(BTC, margin=100, leverage=10),
        short(BTC, margin=100, leverage=10, who=BOB, take=49_300),
        price(BTC, 49_200),
        short(BTC, margin=100, leverage=10, who=BOB),
        fee_rate=1_000,
    )
    scenario.then()
    return scenario.exchange


def _law(number: int) -> str:
    return f"law {number}: "


def _liquidatable(state: State) -> None:
    position = next(iter(state.positions.values()))
    position.entry_notional = Micros(position.entry_notional + 200_000_000)
    state.markets[BTC].long_notional = Micros(state.markets[BTC].long_notional + 200_000_000)


def _set(target: Callable[[State], object], field: str, change: int) -> Callable[[State], None]:
    def plant(state: State) -> None:
        record = target(state)
        setattr(record, field, getattr(record, field) + change)

    return plant


DAMAGE: tuple[tuple[int, Callable[[State], None]], ...] = (
    (1, _set(lambda state: state, "house", 1)),
    (1, _set(lambda state: state, "fees", -1)),
    (1, _set(lambda state: state.accounts[ALICE], "cash", 1)),
    (2, _set(lambda state: state.markets[BTC], "house_quantity", 1)),
    (2, _set(lambda state: state.markets[BTC], "long_notional", -1)),
    (2, _set(lambda state: state.markets[BTC], "short_notional", 1)),
    (3, _set(lambda state: state.accounts[ALICE], "cash", -(10**12))),
    (4, _liquidatable),
    (5, _set(lambda state: state.accounts[BOB], "margin", -1)),
    (5, _set(lambda state: next(iter(state.positions.values())), "margin", -(10**9))),
    (6, _set(lambda state: state, "insurance", -(10**9))),
)


@pytest.mark.parametrize(("law", "damage"), DAMAGE, ids=[f"law-{number}-{n}" for n, (number, _) in enumerate(DAMAGE)])
def test_law_1_2_3_4_5_6_the_check_finds_a_ledger_that_breaks_a_law(law: int, damage: Callable[[State], None]) -> None:
    """LAW-1, LAW-2, LAW-3, LAW-4, LAW-5 and LAW-6: the check is not blind."""
    exchange = busy()
    assert broken(exchange.state) == []
    damage(exchange.state)
    assert any(sentence.startswith(_law(law)) for sentence in broken(exchange.state))


def test_law_4_applies_to_open_markets_with_a_fresh_price_only() -> None:
    """LAW-4: in a halted market, and at a stale price, a liquidatable position may be open."""
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), halt(BTC)).when(price(BTC, 49_200)).then()
    exchange = busy()
    exchange.now += 10_000_000
    exchange.send(None)
    _liquidatable(exchange.state)
    assert not any(sentence.startswith(_law(4)) for sentence in broken(exchange.state))


def test_law_7_an_event_out_of_order_is_impossible() -> None:
    """LAW-7: neither a gap in the events nor one in the commands is passed over."""
    exchange = busy()
    with pytest.raises(AssertionError):
        apply(exchange.state, exchange.events[0])
    with pytest.raises(AssertionError):
        step(exchange.state, None, offset=exchange.state.next_offset + 1, time=exchange.now)


def test_law_8_a_remembered_id_has_one_outcome() -> None:
    """LAW-8: after any other commands the second is a repeat."""
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000)).when(
        close(1, id="c"), deposit(1), close(1, id="c")
    ).then(_a_close(), repeated())


def _a_close() -> Callable[[Exchange], None]:
    def check(exchange: Exchange) -> None:
        del exchange.unseen[0]

    return check


def test_law_9_the_state_from_the_events_is_the_state_from_the_commands() -> None:
    """LAW-9: and another execution of the same commands gives the same bytes."""
    exchange = busy()
    again = Exchange()
    for time, command in exchange.commands:
        again.send(command, at=time)
    again.check()
    assert again.values == exchange.values
    assert state_digest(again.state) == state_digest(exchange.state) == state_digest(exchange.folded())


def test_law_9_the_state_digest_covers_each_part_of_the_state() -> None:
    """LAW-9: two ledgers that differ by a micro, a tick or an id differ in their digest."""
    digests = {state_digest(busy().state)}
    for _, damage in DAMAGE:
        exchange = busy()
        damage(exchange.state)
        digests.add(state_digest(exchange.state))
    assert len(digests) > len(DAMAGE) - 1
    for field in ("seq", "time", "next_offset", "next_position", "insurance", "external", "fees"):
        exchange = busy()
        setattr(exchange.state, field, getattr(exchange.state, field) + 1)
        digests.add(state_digest(exchange.state))
    assert len(digests) == 1 + len(DAMAGE) + 7


@pytest.mark.parametrize("fee_rate", [0, 700])
@pytest.mark.parametrize("then", [50_700, 50_000, 49_300])
def test_law_10_closing_in_parts_never_pays_more_than_closing_at_once(then: int, fee_rate: int) -> None:
    """LAW-10: without a fee it pays the same to the micro; with one each part's fee is rounded up by itself."""
    terms = (deposit(1_000), long(BTC, margin="100.000037", leverage=50, at=50_000), market(BTC, then))
    parts = [reduce(1, quantity) for quantity in ("0.00001", "0.01234", "0.04321", "0.00001", "0.04441")]
    at_once = given(*terms, close(1), fee_rate=fee_rate).exchange
    in_parts = given(*terms, *parts, close(1), fee_rate=fee_rate).exchange
    in_parts.check()
    assert in_parts.state.positions == {}
    difference = at_once.state.accounts[ALICE].cash - in_parts.state.accounts[ALICE].cash
    assert 0 <= difference <= len(parts) if fee_rate else difference == 0
