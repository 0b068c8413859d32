"""The index gives what a scan of all positions gives, in the same order, after any additions and removals."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.triggers import LIQUIDATION, STOP_LOSS, TAKE_PROFIT, TriggerIndex
from schemas.ledger_records import Position
from schemas.messages import Side
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp

prices = st.one_of(st.none(), st.integers(1, 30).map(Ticks))


def position_with(
    number: int, side: Side, liquidation_price: Ticks | None, stop_loss: Ticks | None, take_profit: Ticks | None
) -> Position:
    """Give a position of which only the triggers matter."""
    return Position(
        position_id=f"0-{number}",
        number=number,
        account_id="a",
        symbol="S",
        side=side,
        quantity=Lots(1),
        entry_price=Ticks(1),
        entry_notional=Micros(1),
        margin=Micros(1),
        leverage=Hundredths(100),
        fee_rate=Ppm(0),
        maintenance_rate=Ppm(0),
        margin_floor_rate=Ppm(0),
        liquidation_fee_rate=Ppm(0),
        liquidation_price=liquidation_price,
        stop_loss=stop_loss,
        take_profit=take_profit,
        opened_at=Timestamp(0),
    )


def scan(positions: list[Position], bid: int, ask: int) -> list[tuple[Ticks, int, int]]:
    """Look at each trigger of each position: give level, kind and number, falling ones from above, then rising ones."""
    falling, rising = [], []
    for position in positions:
        long = position.side == "long"
        price = bid if long else ask
        for kind, level in (
            (LIQUIDATION, position.liquidation_price),
            (STOP_LOSS, position.stop_loss),
            (TAKE_PROFIT, position.take_profit),
        ):
            if level is None:
                continue
            entry = (level, kind, position.number)
            if long != (kind == TAKE_PROFIT):
                falling += [entry] if price <= level else []
            else:
                rising += [entry] if price >= level else []
    return sorted(falling, key=lambda entry: (-entry[0], *entry[1:])) + sorted(rising)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    levels=st.lists(st.tuples(st.sampled_from(("long", "short")), prices, prices, prices), max_size=12),
    removed=st.sets(st.integers(0, 11)),
    bid=st.integers(1, 30),
    spread=st.integers(0, 10),
)
def test_trig_04_the_index_gives_the_triggers_a_scan_finds(
    levels: list[tuple[Side, Ticks | None, Ticks | None, Ticks | None]], removed: set[int], bid: int, spread: int
) -> None:
    index = TriggerIndex()
    positions = [position_with(number, *terms) for number, terms in enumerate(levels)]
    for position in positions:
        index.add(position)
    for position in positions:
        if position.number in removed:
            index.remove(position)
    left = [position for position in positions if position.number not in removed]
    found = [(abs(trigger.key), trigger.kind, trigger.number) for trigger in index.reached(bid, bid + spread)]
    assert found == scan(left, bid, bid + spread)


def test_trig_04_an_emptied_index_has_no_trigger() -> None:
    index = TriggerIndex()
    position = position_with(1, "long", Ticks(3), Ticks(4), Ticks(20))
    index.add(position)
    index.remove(position)
    assert index.reached(1, 30) == []
    assert len(index) == 0
