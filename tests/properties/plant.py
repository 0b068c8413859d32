"""A defect is planted in the core for the length of one test."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from engine.core import liquidation, margin, prices, stops
from engine.core.triggers import Trigger, TriggerIndex
from schemas.messages import Side
from tests.properties.defect import Defect

ENGINE = "engine."
REACHED = TriggerIndex.reached


def plant(monkeypatch: pytest.MonkeyPatch, defect: Defect) -> None:
    """Put the defect wherever the core looks the function up."""
    places = [module for name, module in sys.modules.items() if name.startswith(ENGINE)]
    found = 0
    for place in [*places, TriggerIndex]:
        for name, value in list(vars(place).items()):
            if value is defect.function:
                monkeypatch.setattr(place, name, defect.planted)
                found += 1
    assert found, f"nobody calls {defect.function}"


def _stops_late(index: TriggerIndex, bid: int, ask: int) -> list[Trigger]:
    return REACHED(index, bid + 1, ask - 1)


def _stops_early(index: TriggerIndex, bid: int, ask: int) -> list[Trigger]:
    return REACHED(index, bid - 1, ask + 1)


def _unsorted(index: TriggerIndex, bid: int, ask: int) -> list[Trigger]:
    return sorted(REACHED(index, bid, ask), key=lambda trigger: trigger.number)


def _moved(ticks: int) -> Callable[..., int | None]:
    exact = liquidation.liquidation_price_of

    def liquidation_price_of(side: Side, **terms: Any) -> int | None:
        price = exact(side, **terms)
        return None if price is None else price + (ticks if side == "long" else -ticks)

    return liquidation_price_of


TRIGGERS = (
    Defect("a stop fires a tick late", REACHED, _stops_late),
    Defect("a stop fires a tick early", REACHED, _stops_early),
    # No law covers the order of triggered closes, and no receipt shows it.
    Defect("triggers fire by age", REACHED, _unsorted, laws=False),
    Defect("the liquidation price is a tick late", liquidation.liquidation_price_of, _moved(-1)),
    Defect("the liquidation price is a tick early", liquidation.liquidation_price_of, _moved(1)),
)
ROUNDINGS = (
    Defect("margin is rounded down", margin.margin_of, lambda notional, leverage: notional * 100 // leverage),
    Defect("a fee is rounded down", margin.fee_of, lambda notional, rate: notional * rate // 10**6),
    # The trigger comes from the exact liquidation price, so nothing but the receipt's own number is wrong.
    Defect(
        "the requirement is rounded down",
        liquidation.requirement_of,
        lambda notional, own, rate, floor: max(notional * rate // 10**6, own * floor // 10**6),
        twin=False,
    ),
    Defect(
        "lots are rounded up",
        margin.quantity_of,
        lambda own, leverage, price, value: -(-own * leverage // (100 * price * value)),
    ),
)
PARTS = (
    # The calculator sees it, but only where the share decides and has a remainder, which takes it long to come upon.
    Defect(
        "a part's share of the margin is rounded up",
        margin.released_of,
        lambda quantity, size, own, equity, kept: max(0, min(-(-own * quantity // size), equity - kept)),
        laws=False,
    ),
    Defect(
        "a part sets margin free that the rest needs",
        margin.released_of,
        lambda quantity, size, own, *_: own * quantity // size,
    ),
)
OTHERS = (
    # Only a command to the microsecond shows it.
    Defect(
        "a price of five seconds is not stale",
        prices.is_stale,
        lambda quote, time: quote.stale or time - quote.heard_at > 5_000_000,
        laws=False,
        twin=False,
    ),
    Defect("stops are not compared with the price", stops.refuse_stops, lambda *_: None),
    # Equity meets the requirement to the micro in worked examples only.
    Defect(
        "equity equal to the requirement is liquidated",
        liquidation.is_liquidatable,
        lambda equity, requirement: equity <= requirement,
        laws=False,
        twin=False,
    ),
)
DEFECTS = TRIGGERS + ROUNDINGS + PARTS + OTHERS
