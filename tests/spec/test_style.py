"""The example of the house style runs word for word."""

from tests.spec.checks import liquidated
from tests.spec.language import BTC, deposit, given, long, price


def test_a_position_below_its_maintenance_margin_is_liquidated_at_the_exit_price() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000)).when(
        price(BTC, bid=49_200, ask=49_210)  # E = 20.00, required 24.60
    ).then(liquidated(at=49_200, fee=20, returned=0))
