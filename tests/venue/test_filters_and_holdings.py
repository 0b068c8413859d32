"""The venue's filters are checked and positions folded from fills, without a server."""

from decimal import Decimal

import pytest

from projector.write.venue_positions import NO_HOLDING, Holding, VenueFill, holding_after
from schemas.venue_messages import VenueOrder
from tests.venue.market import FILTERS
from venue.filters import Refusal, refusal_of, rules_of

RULES = rules_of(
    {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"],
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8,
        "filters": FILTERS,
    }
)


def judged(kind: str, quantity: str, price: str | None = None, average: str = "50000") -> str | None:
    order = VenueOrder(
        order_id="o", symbol="BTCUSDT", side="buy", type=kind, quantity=quantity, price=price,
        stop_price=None, time_in_force=None,
    )  # fmt: skip
    refusal: Refusal | None = refusal_of(order, RULES, Decimal(average))
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("passes", "fails", "filter_name"),
    [
        (("MARKET", "0.0001"), ("MARKET", "0.00009"), "NOTIONAL"),  # 5.00 and 4.50 at 50,000
        (("LIMIT", "0.00001", "500000"), ("LIMIT", "0.00001", "499999.99"), "NOTIONAL"),
        (("LIMIT", "9", "1000000"), ("LIMIT", "9.00001", "1000000"), "NOTIONAL"),
        (("LIMIT", "9000", "0.01"), ("LIMIT", "9000.00001", "0.01"), "LOT_SIZE"),
        (("MARKET", "50"), ("MARKET", "50.00001"), "MARKET_LOT_SIZE"),
        (("LIMIT", "1", "50000.01"), ("LIMIT", "1", "50000.011"), "PRICE_FILTER"),
        (("LIMIT", "1", "1000000"), ("LIMIT", "1", "1000000.01"), "PRICE_FILTER"),
        (("LIMIT", "0.00001", "500000"), ("LIMIT", "0.000011", "500000"), "LOT_SIZE"),
        (("LIMIT", "1", "50000"), ("LIMIT", "1.000000001", "50000"), "PRECISION"),
    ],
)
def test_the_last_value_inside_a_filter_passes_and_the_first_beyond_is_refused(
    passes: tuple[str, ...], fails: tuple[str, ...], filter_name: str
) -> None:
    assert judged(*passes) is None
    assert judged(*fails) == filter_name


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-1", "0", "", "1e999", "one", "1" * 50])
def test_an_invalid_quantity_is_refused_under_the_name_quantity(quantity: str) -> None:
    assert judged("MARKET", quantity) == "QUANTITY"


def trade(side: str, quantity: str, price: str, commission: str = "0", asset: str = "USDT") -> VenueFill:
    return VenueFill("BTCUSDT", side, Decimal(price), Decimal(quantity), Decimal(commission), asset)


def held(*trades: VenueFill) -> Holding:
    holding = NO_HOLDING
    for one in trades:
        holding = holding_after(holding, one)
    return holding


def of(quantity: str, cost: str, realized: str) -> Holding:
    return Holding(Decimal(quantity), Decimal(cost), Decimal(realized))


def test_a_position_is_netted_at_average_cost_and_a_sale_realizes_its_result() -> None:
    assert held(trade("buy", "1", "100"), trade("buy", "1", "200")) == of("2", "300", "0")
    assert held(trade("buy", "1", "100"), trade("buy", "1", "200"), trade("sell", "1", "180")) == of("1", "150", "30")
    assert held(trade("buy", "1", "100"), trade("sell", "1", "90")) == of("0", "0", "-10")


def test_a_sale_beyond_the_held_quantity_begins_a_negative_position() -> None:
    assert held(trade("buy", "1", "100"), trade("sell", "3", "110")) == of("-2", "-220", "10")
    assert held(trade("sell", "2", "110"), trade("buy", "2", "100")) == of("0", "0", "20")


def test_a_commission_reduces_the_quantity_in_the_base_asset_and_the_result_in_the_quote_asset() -> None:
    assert held(trade("buy", "1", "100", "0.001", "BTC")) == of("0.999", "100", "0")
    assert held(trade("buy", "1", "100"), trade("sell", "1", "110", "0.11")) == of("0", "0", "9.89")
    assert held(trade("buy", "1", "100", "0.01", "BNB")) == of("1", "100", "0")
