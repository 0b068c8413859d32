"""An instrument of any tick and lot is quoted, charted and traded on every route, those of the seeds included."""

import time
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import uuid4

import pytest
from websockets.sync.client import connect

from api.compat.seed_001 import price_of
from schemas.commands import UpdatePrices
from schemas.instruments import INSTRUMENTS
from schemas.messages import Tick
from schemas.record import replace
from schemas.units import Ticks, Timestamp
from tests.api.exchange import FEED, PASSWORD, Exchange
from tests.api.test_rules import administrator
from tests.processes import eventually

BID: Final = 100_000  # ticks; the ask is one more, so that the mid has a place more than a price
ALL: Final = [(tick, lot) for tick in range(7) for lot in sorted({0, (6 - tick) // 2, 6 - tick})]


@pytest.mark.parametrize("tick", range(13))
def test_seed_001_s_price_has_as_many_places_as_the_mid_of_any_instrument(tick: int) -> None:
    instrument = replace(INSTRUMENTS[0], symbol="X_USDC", tick_exponent=tick)
    price = price_of(instrument, 2 * BID + 1)
    assert price.decimal >= 6
    assert Decimal(price.price).scaleb(-price.decimal) == (Decimal(2 * BID + 1) / 2).scaleb(-tick)


@pytest.mark.parametrize(
    ("tick", "lot"), [each if each == (6, 0) else pytest.param(*each, marks=pytest.mark.slow) for each in ALL]
)
def test_an_instrument_of_any_tick_and_lot_is_served_on_every_route(exchange: Exchange, tick: int, lot: int) -> None:
    symbol = defined(exchange, tick, lot)
    asset = symbol.removesuffix("_USDC")
    quoted(exchange, symbol)
    mid = (Decimal(2 * BID + 1) / 2).scaleb(-tick)
    said = asked(exchange, f"/api/v1/price?asset={asset}")
    assert Decimal(said["price"]).scaleb(-said["decimal"]) == mid
    assert Decimal(exchange.ticker(symbol)["bid"]) == Decimal(BID).scaleb(-tick)
    assert symbol in str(asked(exchange, "/api/v1/instruments"))
    assert asset in str(asked(exchange, "/api/v1/supportedAssets"))
    candles = eventually(
        lambda: asked(exchange, f"/api/v1/candles?symbol={symbol}&interval=1m")["items"], lambda items: len(items) > 0
    )
    assert Decimal(candles[0]["close"]) == mid
    assert Decimal(asked(exchange, f"/api/v1/candles?asset={asset}&interval=1m")[-1]["close"]) == mid
    assert Decimal(str(asked(exchange, f"/candles?asset={asset}&ts=1m")["data"][-1]["close"])) == mid
    traded(exchange, asset)


def defined(exchange: Exchange, tick: int, lot: int) -> str:
    symbol = f"T{tick}L{lot}X{uuid4().hex[:6].upper()}_USDC"
    body = {"symbol": symbol, "tick_exponent": tick, "lot_exponent": lot, "quantity_max": "100"}
    reply = administrator(exchange).http.post("/admin/instruments", json=body)
    assert reply.status_code in (200, 202), reply.text
    eventually(lambda: asked(exchange, "/api/v1/instruments"), lambda seen: symbol in str(seen))
    return symbol


def quoted(exchange: Exchange, symbol: str) -> None:
    """Two ticks half a second apart in their own time: the second confirms the first."""
    now = time.time_ns() // 1_000
    for number, moment in enumerate((now - 1_000_000, now)):
        tick = Tick(
            symbol=symbol,
            bid=Ticks(BID),
            ask=Ticks(BID + 1),
            low=2 * BID + 1,
            high=2 * BID + 1,
            source_time=Timestamp(moment),
            update_id=number + 1,
        )
        command = UpdatePrices(feed=FEED, run=exchange.run, sent_at=now, ticks=(tick,), alive=())
        exchange.broadcast(partial(_same, command))
    eventually(lambda: exchange.ticker(symbol)["bid"], lambda bid: bid is not None)


def _same(command: UpdatePrices, shard: int) -> UpdatePrices:
    del shard
    return command


def asked(exchange: Exchange, path: str) -> Any:
    reply = exchange.http.get(path)
    assert reply.status_code == 200, (path, reply.text)
    return reply.json()


def traded(exchange: Exchange, asset: str) -> None:
    """Whatever of an order is refused, is refused: nothing of it is a defect."""
    user = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    token = exchange.http.post("/auth/register", json=user).json()["token"]
    signed = {"Authorization": f"Bearer {token}"}
    exchange.http.cookies.clear()
    quantity = {"qty": 1, "leverage": 1}
    for path, body in (
        ("/trades", {"asset": asset, "type": "long", "margin": 100, "leverage": 10, "slippage": 50}),
        (
            "/api/v1/engine",
            {"command": "CREATE_TRADE", "asset": asset, "direction": "SHORT", "margin": 10, "slippage": 0.5},
        ),
        ("/trade/open", {"asset": asset, "side": "buy", **quantity}),
        ("/api/v1/positions/open", {"asset": asset, "type": "long", "margin": 10, "leverage": 2}),
        ("/api/trading/orders", {"symbol": f"{asset}USDT", "side": "BUY", "type": "MARKET", "quantity": 1}),
        ("/api/v1/orders", {"symbol": f"{asset}_USDC", "side": "long", "quantity": "1", "leverage": "1"}),
    ):
        assert exchange.http.post(path, json=body, headers=signed).status_code < 500, path
    for path in (
        *("/trade/orders", "/api/v1/user/trades", "/api/v1/user/orders", "/api/v1/state", "/api/trading/orders"),
        *("/api/trading/positions", "/api/v1/positions", "/api/v1/fills", "/api/v1/ledger", "/balance"),
    ):
        assert exchange.http.get(path, headers=signed).status_code == 200, path
    with connect(f"{exchange.url.replace('http', 'ws')}/?token={token}", proxy=None) as socket:
        eventually(lambda: str(socket.recv(10)), lambda text: f"{asset}USDT" in text)
