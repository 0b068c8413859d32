"""A symbol is vouched for while its source is heard and nothing contradicts its last quote."""

import pytest

from market_data.conversion import to_ticks
from market_data.vouching import Vouching
from tests.market_data.fake_clock import BTC, quote
from tests.market_data.ledgers import instrument

OF = instrument(BTC)  # 1 % may be the spread


def quoted(bid: str = "50000.0", ask: str = "50000.1", last_price: str | None = None) -> Vouching:
    """Give what is known after a quote, before which a last price was known or not."""
    vouching = Vouching()
    if last_price is not None:
        vouching.add_heartbeat(OF, last_price, 9.0)
    prices = quote(bid, ask)
    vouching.add_quote(prices, to_ticks(prices, OF), 10.0)
    return vouching


def test_a_symbol_is_vouched_for_until_it_was_not_heard_for_two_seconds() -> None:
    vouching = quoted()
    assert [vouching.why_not(BTC, now) for now in (10.0, 12.0, 12.001)] == [None, None, "silent"]
    vouching.add_heartbeat(OF, None, 13.0)
    assert vouching.why_not(BTC, 15.0) is None


def test_a_symbol_that_was_never_quoted_is_not_vouched_for() -> None:
    vouching = Vouching()
    vouching.add_heartbeat(OF, "50000", 10.0)
    assert vouching.why_not(BTC, 10.0) == "never_quoted"
    assert vouching.marks([BTC], 10.0) == ()


@pytest.mark.parametrize(
    ("last_price", "doubt"),
    [
        ("50000.05", None),
        ("50000.0", None),
        ("50000.1", None),
        # The middle is 50,000.05, and 1 % of it 500.0005.
        ("49499.9995", None),
        ("49499.9994", "contradicted"),
        ("50500.1005", None),
        ("50500.1006", "contradicted"),
        ("0", "contradicted"),
        ("NaN", "contradicted"),
        (None, None),
    ],
)
def test_a_last_price_further_outside_than_the_spread_may_be_wide_contradicts_the_quote(
    last_price: str | None, doubt: str | None
) -> None:
    vouching = quoted()
    vouching.add_heartbeat(OF, last_price, 10.5)
    assert vouching.why_not(BTC, 10.5) == doubt


def test_a_trade_of_before_the_quote_contradicts_nothing() -> None:
    vouching = quoted(last_price="40000")
    vouching.add_heartbeat(OF, "40000", 10.5)
    assert vouching.why_not(BTC, 10.5) is None
    vouching.add_heartbeat(OF, "40001", 11.0)
    assert vouching.why_not(BTC, 11.0) == "contradicted"


def test_a_contradicted_quote_stays_so_until_the_next_quote_whatever_is_heard() -> None:
    vouching = quoted()
    vouching.add_heartbeat(OF, "45000", 10.5)
    vouching.add_heartbeat(OF, "50000", 11.5)
    assert vouching.why_not(BTC, 11.5) == "contradicted"
    prices = quote("45000", "45001", update_id=2)
    vouching.add_quote(prices, to_ticks(prices, OF), 12.0)
    assert vouching.why_not(BTC, 12.0) is None


def test_an_interruption_and_a_doubt_last_until_the_next_quote() -> None:
    vouching = quoted()
    vouching.interrupt()
    vouching.add_heartbeat(OF, "50000", 10.5)
    assert vouching.doubts([BTC], 10.5) == {BTC: "interrupted"}
    vouching.doubt(BTC, "not_newer")
    assert vouching.doubts([BTC], 10.5) == {BTC: "not_newer"}
    prices = quote("45000", "45001", update_id=2)
    vouching.add_quote(prices, to_ticks(prices, OF), 12.0)
    assert vouching.doubts([BTC], 12.0) == {}
