"""The liquidation price is exact: the predicate holds at it, and not one tick before."""

from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.core.bounds import BALANCE_MAX
from engine.core.liquidation import is_liquidatable, liquidation_price_of, requirement_of
from engine.core.margin import notional_of, profit_of
from schemas.bounds import PRICE_MAX, QUANTITY_MAX
from schemas.messages import Side
from schemas.units import PPM, Lots, Micros, Ppm, Ticks


class Terms(NamedTuple):
    """A position."""

    quantity: int
    entry: int
    margin: int
    tick_value: int
    maintenance_rate: int
    margin_floor_rate: int


rates = st.one_of(st.sampled_from((0, 1, 5_000, 50_000, PPM - 1)), st.integers(0, PPM - 1))
positions = st.builds(
    Terms,
    quantity=st.one_of(st.integers(1, 10), st.integers(1, QUANTITY_MAX)),
    entry=st.one_of(st.integers(1, 10), st.integers(1, PRICE_MAX), st.just(PRICE_MAX)),
    margin=st.one_of(st.integers(1, 100), st.integers(1, BALANCE_MAX)),
    tick_value=st.sampled_from((1, 1, 10, 10**6)),
    maintenance_rate=rates,
    margin_floor_rate=rates,
)
leveraged = st.builds(
    lambda terms, leverage: terms._replace(
        margin=max(1, terms.quantity * terms.entry * terms.tick_value * 100 // leverage)
    ),
    positions,
    st.integers(100, 10_000),
)


def holds(side: Side, terms: Terms, price: int) -> bool:
    """Say whether the position is liquidated at a price."""
    entry = notional_of(Lots(terms.quantity), Ticks(terms.entry), terms.tick_value)
    notional = notional_of(Lots(terms.quantity), Ticks(price), terms.tick_value)
    requirement = requirement_of(
        notional, Micros(terms.margin), Ppm(terms.maintenance_rate), Ppm(terms.margin_floor_rate)
    )
    return is_liquidatable(Micros(terms.margin + profit_of(side, notional, entry)), requirement)


@settings(max_examples=1_500, derandomize=True, deadline=None)
@given(terms=st.one_of(positions, leveraged), side=st.sampled_from(("long", "short")))
@example(terms=Terms(1, 1, 1, 1, 0, 0), side="long")
@example(terms=Terms(1, PRICE_MAX, 1, 1, 0, 0), side="short")
@example(terms=Terms(QUANTITY_MAX, PRICE_MAX, 1, 10**6, PPM - 1, PPM - 1), side="long")
def test_liq_03_the_predicate_holds_at_the_liquidation_price_and_not_a_tick_before(terms: Terms, side: Side) -> None:
    price = liquidation_price_of(
        side,
        quantity=Lots(terms.quantity),
        entry_notional=notional_of(Lots(terms.quantity), Ticks(terms.entry), terms.tick_value),
        margin=Micros(terms.margin),
        tick_value=terms.tick_value,
        maintenance_rate=Ppm(terms.maintenance_rate),
        margin_floor_rate=Ppm(terms.margin_floor_rate),
    )
    if price is None:
        assert not holds(side, terms, 1 if side == "long" else PRICE_MAX)
        return
    before, beyond = (price + 1, price - 1) if side == "long" else (price - 1, price + 1)
    assert holds(side, terms, price)
    assert not holds(side, terms, before)
    assert holds(side, terms, beyond) or beyond < 0
