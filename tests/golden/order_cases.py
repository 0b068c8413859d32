"""Orders and what the core decides of them, in the API's own digits: the cases that hold the screen's ticket to it.

`python -P -m tests.golden.order_cases` writes them anew; web/tests/ticket.test.ts reads them.
"""

import json
import random
from pathlib import Path
from typing import Any, Final

from api.http.amounts import leverage, money, parameters_of, price, price_or_null, quantity
from api.pretrade.preview import preview_of
from api.pretrade.standing import POSITIONS_MAX, LastPrice, Standing
from engine.core.rules import RULES
from schemas.commands import OpenPosition
from schemas.instruments import INSTRUMENTS, START_PRICES
from schemas.messages import Instrument, MarketStatus, Side
from schemas.record import replace
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks

FILE: Final = Path(__file__).with_name("order-cases.json")
SEED: Final = 20_261_129
CASES: Final = 600
USDC: Final = 1_000_000
NOW: Final = 10**15
STATUSES: Final[tuple[MarketStatus, ...]] = (*("open",) * 8, "close_only", "halted")
MARGINS: Final = (1, 100, 10 * USDC, 99 * USDC + 1, 499 * USDC, 6_000 * USDC, 0, -1)
LEVERAGES: Final = (100, 150, 300, 1_000, 2_001, 5_000, 10_000, 10_001, 99)


def cases() -> list[dict[str, Any]]:
    """Draw every case from one seed."""
    draw = random.Random(SEED)
    return [_case(draw) for _ in range(CASES)]


def _case(draw: random.Random) -> dict[str, Any]:
    instrument = _instrument(draw)
    status = draw.choice(STATUSES)
    bid = START_PRICES[instrument.symbol] + draw.randint(-5_000, 5_000)
    quote = LastPrice(bid, bid + draw.choice([0, 1, 2, 40]), NOW, left=False, held_at=None)
    cash = draw.choice([0, 100, 5_000, 10**6]) * USDC + draw.randint(0, 10)
    order = _order(draw, instrument, quote)
    found = preview_of(_standing(instrument, status, quote, cash), order)
    opened = found.opened
    return {
        "instrument": parameters_of(instrument)
        | {
            "status": status,
            "price_decimals": instrument.tick_exponent,
            "quantity_decimals": instrument.lot_exponent,
        },
        "bid": price(instrument, quote.bid),
        "ask": price(instrument, quote.ask),
        "free_margin": money(cash),
        "order": {
            "side": order.side,
            "margin": None if order.margin is None else money(order.margin),
            "quantity": None if order.quantity is None else quantity(instrument, order.quantity),
            "leverage": leverage(order.leverage),
            "stop_loss": price_or_null(instrument, order.stop_loss),
            "take_profit": price_or_null(instrument, order.take_profit),
        },
        "refusals": [refusal.name for refusal in found.refusals],
        "opens": None
        if opened is None
        else {
            "price": price(instrument, opened.price),
            "quantity": quantity(instrument, opened.quantity),
            "notional": money(opened.notional),
            "margin": money(opened.margin),
            "fee": money(opened.fee),
            "liquidation_price": price_or_null(instrument, opened.liquidation_price)
            if found.has_liquidation_price
            else None,
            "warnings": list(opened.warnings),
        },
    }


def _instrument(draw: random.Random) -> Instrument:
    tight = draw.random() < 0.3
    return replace(
        draw.choice(INSTRUMENTS),
        fee_rate=Ppm(draw.choice([0, 700, 1_000])),
        maintenance_rate=Ppm(draw.choice([5_000, 30_000, 0])),
        margin_floor_rate=Ppm(draw.choice([50_000, 0, 200_000])),
        quantity_min=Lots(draw.choice([1, 500])),
        quantity_max=Lots(draw.choice([10**7, 4_000])),
        notional_max=Micros(USDC * (1_500 if tight else 1_000_000)),
        leverage_max=Hundredths(draw.choice([10_000, 5_000])),
    )


def _order(draw: random.Random, instrument: Instrument, quote: LastPrice) -> OpenPosition:
    side: Side = draw.choice(["long", "short"])
    by_margin = draw.random() < 0.6
    is_usual = draw.random() < 0.4
    lots = draw.choice([1, 499, 500, draw.randint(1, 5_000), instrument.quantity_max, instrument.quantity_max + 1, 0])
    return OpenPosition(
        command_id="order",
        account_id="account",
        symbol=instrument.symbol,
        side=side,
        margin=_margin(draw, is_usual=is_usual) if by_margin else None,
        quantity=None if by_margin else draw.randint(500, 4_000) if is_usual else lots,
        leverage=draw.randint(100, 5_000) if is_usual else draw.choice(LEVERAGES),
        stop_loss=None if is_usual else _stop(draw, quote),
        take_profit=_stop(draw, quote),
    )


def _margin(draw: random.Random, *, is_usual: bool) -> int:
    return draw.randint(5 * USDC, 90 * USDC) if is_usual else draw.choice([*MARGINS, draw.randint(1, 10**9)])


def _stop(draw: random.Random, quote: LastPrice) -> Ticks | None:
    """Near the price, on either side of it, or none."""
    if draw.random() < 0.5:
        return None
    return Ticks(max(1, draw.choice([quote.bid, quote.ask]) + draw.choice([-1, 0, 1, draw.randint(-20_000, 20_000)])))


def _standing(instrument: Instrument, status: MarketStatus, quote: LastPrice, cash: int) -> Standing:
    return Standing(
        account_id="account",
        shard=0,
        shards=1,
        rules_version=max(RULES),
        time=NOW,
        instrument=instrument,
        status=status,
        price=quote,
        clock_suspect=False,
        cash=cash,
        account_notional=0,
        open_positions=0,
        positions_max=POSITIONS_MAX,
        long_notional=0,
        short_notional=0,
    )


def as_text() -> str:
    """Write all of them, a line each."""
    return "[\n" + ",\n".join(json.dumps(case) for case in cases()) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
