"""Parts closed at one price pay what the whole position pays, within the rounding of each fee."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instruments import BY_SYMBOL
from schemas.messages import Side
from schemas.units import LEVERAGE_EXPONENT, MONEY_EXPONENT, render
from tests.spec.exchange import Exchange
from tests.spec.language import ALICE, BTC, close, deposit, market, opens
from tests.spec.language import given as given_
from tests.spec.language import reduce as close_part

RATES = st.one_of(st.sampled_from((0, 1, 700, 5_000, 50_000, 500_000, 999_999)), st.integers(0, 20_000))
POSITION = "0-1"
TICKS, LOTS = BY_SYMBOL[BTC].tick_exponent, BY_SYMBOL[BTC].lot_exponent
START = 500_000


def opened(side: Side, micros: int, leverage: int, then: int, **rates: int) -> Exchange | None:
    """Give a market with one position at a price, or null where it could not be opened or was closed before."""
    exchange = given_(deposit(90_000), market(BTC, 50_000), live=False, **rates).exchange
    opens(side, BTC, margin=render(micros, MONEY_EXPONENT), leverage=render(leverage, LEVERAGE_EXPONENT))(exchange)
    for step in range(1, 6):
        market(BTC, render(START + (then - START) * step // 5, TICKS))(exchange)
    return exchange if POSITION in exchange.state.positions else None


def cash_after(exchange: Exchange, parts: list[int]) -> int:
    """Close so many parts of a thousand, one after the other, and then all that is left."""
    size = exchange.state.positions[POSITION].quantity
    for part in parts:
        left = exchange.state.positions.get(POSITION)
        if left is None:
            break
        lots = min(left.quantity, max(1, size * part // 1_000))
        close_part(1, render(lots, LOTS))(exchange)
    if POSITION in exchange.state.positions:
        close(1)(exchange)
    exchange.check()
    assert exchange.state.positions == {}
    assert exchange.state.accounts[ALICE].margin == 0
    return exchange.state.accounts[ALICE].cash


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    side=st.sampled_from(("long", "short")),
    micros=st.integers(1_000, 5_000_000_000),
    leverage=st.sampled_from((100, 150, 300, 700, 5_000, 10_000)),
    then=st.integers(400_000, 600_000),
    fee_rate=RATES,
    maintenance_rate=RATES,
    margin_floor_rate=RATES,
    parts=st.lists(st.integers(0, 1_000), min_size=1, max_size=6),
)
def test_law_10_part_10_parts_pay_what_the_whole_pays_and_never_more(
    side: Side,
    micros: int,
    leverage: int,
    then: int,
    fee_rate: int,
    maintenance_rate: int,
    margin_floor_rate: int,
    parts: list[int],
) -> None:
    """LAW-10 and PART-10, under any rates an instrument may have."""
    rates = {"fee_rate": fee_rate, "maintenance_rate": maintenance_rate, "margin_floor_rate": margin_floor_rate}
    whole, cut = (opened(side, micros, leverage, then, **rates) for _ in range(2))
    if whole is None or cut is None:
        return
    difference = cash_after(whole, []) - cash_after(cut, parts)
    assert 0 <= difference <= (len(parts) if fee_rate else 0)
    assert whole.state.house == cut.state.house
