"""Every refusal a client can meet: its status, its code, and no harm to anybody else."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer

from runtime.kafka import command_producer_options
from schemas.codec import encode_command
from schemas.commands import DefineInstruments, OpenPosition
from schemas.ids import broadcast_id
from schemas.instruments import BY_SYMBOL
from schemas.record import replace
from schemas.topics import COMMANDS
from schemas.units import Ppm
from tests.api.exchange import Exchange, User
from tests.processes import eventually


class Scene(NamedTuple):
    """Who tries, who must not be harmed, and positions they can name."""

    exchange: Exchange
    user: User
    other: User
    open_id: str
    closed_id: str
    others_id: str


def scene_in(exchange: Exchange) -> Scene:
    """Two users, one of whom has an open position and a closed one, and the other one an open one."""
    user, other = exchange.new_user(), exchange.new_user()
    open_id, closed_id = user.opened()["position_id"], user.opened()["position_id"]
    assert user.close(closed_id).status_code == 200
    return Scene(exchange, user, other, open_id, closed_id, other.opened(margin="200")["position_id"])


@pytest.fixture(scope="module")
def scene(exchange: Exchange) -> Scene:
    return scene_in(exchange)


@pytest.fixture
def bystander(scene: Scene) -> Iterator[None]:
    """Another user's account, ledger and positions are the same before and after, and the shard still executes."""
    before = holdings(scene.other)
    yield
    assert holdings(scene.other) == before
    position_id = scene.user.opened(margin="10")["position_id"]
    assert scene.user.close(position_id).status_code == 200


def holdings(user: User) -> Any:
    return user.get("/account"), user.get("/ledger"), user.get("/positions")


Try = Callable[[Scene], httpx.Response]

REFUSED: dict[str, tuple[int, str, Try]] = {
    "closing an unknown position": (404, "POSITION_NOT_OPEN", lambda s: s.user.close("0-999999")),
    "closing in a shard that is not": (404, "POSITION_NOT_OPEN", lambda s: s.user.close("99-1")),
    "closing someone else's position": (404, "POSITION_NOT_OPEN", lambda s: s.user.close(s.others_id)),
    "closing twice": (409, "POSITION_NOT_OPEN", lambda s: s.user.close(s.closed_id)),
    "closing more than there is": (
        409,
        "ABOVE_MAXIMUM",
        lambda s: s.user.http.post(f"/positions/{s.open_id}/close", json={"quantity": "99"}),
    ),
    "a name that is no position": (404, "NOT_FOUND", lambda s: s.user.close("open")),
    "a margin of zero": (409, "AMOUNT_NOT_POSITIVE", lambda s: s.user.order(margin="0")),
    "a negative margin": (409, "AMOUNT_NOT_POSITIVE", lambda s: s.user.order(margin=-5)),
    "a quantity of zero": (409, "AMOUNT_NOT_POSITIVE", lambda s: s.user.order(margin=None, quantity="0")),
    "a negative quantity": (409, "AMOUNT_NOT_POSITIVE", lambda s: s.user.order(margin=None, quantity="-1")),
    "a margin of NaN": (422, "MALFORMED", lambda s: raw_order(s, '"margin": NaN')),
    "a margin of 1e30": (422, "MALFORMED", lambda s: raw_order(s, '"margin": 1e30')),
    "a quantity of 1e30": (422, "MALFORMED", lambda s: raw_order(s, '"quantity": 1e30')),
    "a quantity of too many places": (422, "MALFORMED", lambda s: s.user.order(margin=None, quantity="0.000001")),
    "a price of too many places": (422, "MALFORMED", lambda s: s.user.order(expected_price="50000.01")),
    "a leverage of 101": (409, "LEVERAGE_OUT_OF_RANGE", lambda s: s.user.order(leverage=101)),
    "a leverage of 0.99": (409, "LEVERAGE_OUT_OF_RANGE", lambda s: s.user.order(leverage="0.99")),
    "a leverage beyond all numbers": (422, "MALFORMED", lambda s: s.user.order(leverage="1e30")),
    "both margin and quantity": (422, "MALFORMED", lambda s: s.user.order(quantity="1")),
    "a limit order": (422, "MALFORMED", lambda s: s.user.order(type="limit", price="1")),
    "an unknown symbol": (409, "SYMBOL_UNKNOWN", lambda s: s.user.order(symbol="DOGE_USDC")),
    "a symbol without a price": (409, "NO_PRICE", lambda s: s.user.order(symbol="SOL_USDC")),
    "too much margin": (409, "INSUFFICIENT_MARGIN", lambda s: s.user.order(margin="5001")),
    "too large a position": (409, "POSITION_NOTIONAL_LIMIT", lambda s: s.user.order(margin=None, quantity="20.1")),
    "too small a position": (409, "BELOW_MINIMUM", lambda s: s.user.order(margin="0.01", leverage="1")),
    "a price that moved": (409, "SLIPPAGE_EXCEEDED", lambda s: s.user.order(expected_price="49000", slippage_bps=10)),
    "a stop above the price": (409, "STOP_LOSS_WRONG_SIDE", lambda s: s.user.order(stop_loss="50001")),
    "a take below the price": (409, "TAKE_PROFIT_WRONG_SIDE", lambda s: s.user.order(take_profit="49000")),
    "amending to a stop above the price": (
        409,
        "STOP_LOSS_WRONG_SIDE",
        lambda s: s.user.http.patch(f"/positions/{s.open_id}", json={"stop_loss": "50001"}),
    ),
    "amending nothing": (422, "MALFORMED", lambda s: s.user.http.patch(f"/positions/{s.open_id}", json={})),
    "amending someone else's": (
        404,
        "POSITION_NOT_OPEN",
        lambda s: s.user.http.patch(f"/positions/{s.others_id}", json={"stop_loss": "1"}),
    ),
    "amending someone else's to none": (
        404,
        "POSITION_NOT_OPEN",
        lambda s: s.user.http.patch(f"/positions/{s.others_id}", json={"stop_loss": None}),
    ),
    "reading someone else's position": (404, "NOT_FOUND", lambda s: s.user.http.get(f"/positions/{s.others_id}")),
    "reading an unknown order": (404, "NOT_FOUND", lambda s: s.user.http.get(f"/orders/{uuid4()}")),
    "reading an unknown command": (404, "NOT_FOUND", lambda s: s.user.http.get(f"/commands/{uuid4()}")),
    "reading an unknown receipt": (404, "NOT_FOUND", lambda s: s.user.http.get("/receipts/0-1")),
    "a deposit of zero": (409, "AMOUNT_NOT_POSITIVE", lambda s: s.user.http.post("/demo/deposit", json={"amount": 0})),
    "a deposit beyond the day's": (
        409,
        "DEPOSIT_LIMIT",
        lambda s: s.user.http.post("/demo/deposit", json={"amount": "100000.000001"}),
    ),
    "a list of too many": (422, "MALFORMED", lambda s: s.user.http.get("/positions?limit=501")),
    "a list of none": (422, "MALFORMED", lambda s: s.user.http.get("/fills?limit=0")),
    "a cursor of another list": (422, "MALFORMED", lambda s: s.user.http.get("/ledger?cursor=AAAA")),
    "a body that is no JSON": (
        422,
        "MALFORMED",
        lambda s: s.user.http.post("/orders", content="{", headers={"Content-Type": "application/json"}),
    ),
    "a body of another kind": (
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        lambda s: s.user.http.post("/orders", data={"symbol": "BTC_USDC"}),
    ),
    "a symbol with a NUL": (422, "MALFORMED", lambda s: s.user.order(symbol="BTC\0")),
    "a symbol of half a character": (422, "MALFORMED", lambda s: raw_order(s, '"margin": 1, "symbol": "\\ud800"')),
    "a filter with a NUL": (422, "MALFORMED", lambda s: s.user.http.get("/positions?symbol=%00")),
    "a path with a NUL": (422, "MALFORMED", lambda s: s.user.http.get("/orders/%00")),
    "a body that is too large": (
        413,
        "BODY_TOO_LARGE",
        lambda s: s.user.http.post("/orders", content="x" * 70_000, headers={"Content-Type": "application/json"}),
    ),
    "a body that grows too large": (
        413,
        "BODY_TOO_LARGE",
        lambda s: s.user.http.post(
            "/orders", content=(b"x" * 9_000 for _ in range(9)), headers={"Content-Type": "application/json"}
        ),
    ),
    "a method that is not": (405, "METHOD_NOT_ALLOWED", lambda s: s.user.http.delete("/account")),
    "a path that is not": (404, "NOT_FOUND", lambda s: s.user.http.get("/nothing")),
    "candles of an unknown symbol": (404, "SYMBOL_UNKNOWN", lambda s: s.user.http.get("/candles?symbol=DOGE_USDC")),
    "candles of an unknown interval": (
        422,
        "MALFORMED",
        lambda s: s.user.http.get("/candles?symbol=BTC_USDC&interval=2m"),
    ),
    "an empty key": (422, "MALFORMED", lambda s: s.user.order(headers={"Idempotency-Key": ""})),
    "a key that is too long": (422, "MALFORMED", lambda s: s.user.order(headers={"Idempotency-Key": "k" * 256})),
}


def raw_order(scene: Scene, size: str) -> httpx.Response:
    body = f'{{"symbol": "BTC_USDC", "side": "long", "leverage": 10, {size}}}'
    return scene.user.http.post("/orders", content=body, headers={"Content-Type": "application/json"})


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize(("status", "code", "attempt"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_has_its_status_and_code_and_changes_no_account(
    scene: Scene, status: int, code: str, attempt: Try
) -> None:
    reply = attempt(scene)
    problem = reply.json()
    assert (reply.status_code, problem["status"], problem["code"]) == (status, status, code), reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail", "instance"} <= set(problem)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10, "margin": Infinity}', "/margin"),
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10, "margin": 1, "stop_loss": "1.23"}', "/stop_loss"),
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10, "margin": 1, "price": 5}', "/price"),
        ('{"symbol": "BTC_USDC", "side": "long", "margin": 1}', "/leverage"),
        ('{"symbol": "BTC_USDC", "side": "long", "leverage": 10}', ""),
    ],
)
def test_a_malformed_field_is_named_by_a_json_pointer(scene: Scene, body: str, pointer: str) -> None:
    reply = scene.user.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.json()["errors"]] == [pointer]


@pytest.mark.usefixtures("bystander")
def test_an_order_appended_after_its_deadline_is_refused(scene: Scene) -> None:
    account_id = scene.user.get("/auth/me")["account_id"]
    late = OpenPosition(
        command_id=str(uuid4()),
        account_id=account_id,
        deadline=time.time_ns() // 1000 - 5_000_000,
        symbol="BTC_USDC",
        side="long",
        margin=1_000_000,
        leverage=1000,
    )
    producer = Producer(command_producer_options(scene.exchange.settings, "test-late"))
    producer.produce(COMMANDS, encode_command(late), key=account_id.encode())
    assert producer.flush(10) == 0
    seen = eventually(
        lambda: scene.user.http.get(f"/commands/{late.command_id}"), lambda reply: reply.status_code == 200
    )
    assert (seen.json()["status"], seen.json()["code"]) == ("rejected", "DEADLINE_PASSED")


@pytest.mark.usefixtures("bystander")
def test_undecodable_bytes_on_the_commands_topic_stop_no_shard(scene: Scene) -> None:
    for shard in range(scene.exchange.settings.shards):
        for value in (b"", b"hello", b"\xc3\x01" + b"\x00" * 8, b"\xc3\x01" + b"\xff" * 40):
            scene.exchange.append(value, shard)


@pytest.mark.usefixtures("bystander")
def test_a_price_of_bid_zero_or_bid_above_ask_changes_nothing(scene: Scene) -> None:
    before = scene.exchange.ticker("BTC_USDC")
    scene.exchange.price("BTC_USDC", "0", "50000.0")
    scene.exchange.price("BTC_USDC", "50000.1", "50000.0")
    order = scene.user.opened(margin="10")
    assert order["price"] == before["ask"]
    after = scene.exchange.ticker("BTC_USDC")
    assert (after["bid"], after["ask"], after["state"]) == (before["bid"], before["ask"], "fresh")
    assert scene.user.close(order["position_id"]).status_code == 200
    # The last tick has been contradicted, and no mark vouches for it any more.
    scene.exchange.price("BTC_USDC", before["bid"], before["ask"])


@pytest.mark.usefixtures("bystander")
def test_an_order_that_would_be_liquidated_at_once_is_refused(scene: Scene) -> None:
    # The loss of a spread as narrow as a new ledger asks for leaves more than the requirement.
    wide = replace(BY_SYMBOL["ETH_USDC"], spread_max=Ppm(10_000))
    scene.exchange.broadcast(
        lambda shard: DefineInstruments(
            command_id=broadcast_id("wide", shard), shard=shard, broadcast="wide", instruments=(wide,)
        )
    )
    scene.exchange.price("ETH_USDC", "1991.00", "2009.00")
    scene.exchange.until_fresh("ETH_USDC", "1991.00")
    reply = scene.user.order(symbol="ETH_USDC", leverage="100")
    assert (reply.status_code, reply.json()["code"]) == (409, "LIQUIDATABLE_AT_ONCE")


@pytest.mark.usefixtures("bystander")
def test_no_order_is_filled_at_an_unconfirmed_price(scene: Scene) -> None:
    scene.exchange.price("ETH_USDC", "2999.99", "3000.00")
    eventually(lambda: scene.exchange.ticker("ETH_USDC"), lambda seen: seen["state"] == "unconfirmed")
    reply = scene.user.order(symbol="ETH_USDC")
    assert (reply.status_code, reply.json()["code"]) == (409, "PRICE_UNCONFIRMED")


@pytest.mark.usefixtures("bystander")
def test_a_halted_market_opens_and_closes_nothing_and_a_close_only_market_closes(scene: Scene) -> None:
    position_id = scene.user.opened(margin="10")["position_id"]
    scene.exchange.market("BTC_USDC", "halted")
    until_status(scene.exchange, "halted")
    assert scene.user.order().json()["code"] == "MARKET_HALTED"
    assert scene.user.close(position_id).json()["code"] == "MARKET_HALTED"
    scene.exchange.market("BTC_USDC", "close_only")
    until_status(scene.exchange, "close_only")
    assert scene.user.order().json()["code"] == "MARKET_CLOSE_ONLY"
    assert scene.user.close(position_id).status_code == 200
    scene.exchange.market("BTC_USDC", "open")
    until_status(scene.exchange, "open")


def until_status(exchange: Exchange, status: str) -> None:
    eventually(
        lambda: exchange.http.get("/api/v1/instruments").json()["items"][0]["status"], lambda seen: seen == status
    )


def test_no_order_is_filled_at_the_price_of_a_replaced_feed(scene: Scene) -> None:
    before = holdings(scene.other)
    scene.exchange.new_feed()
    eventually(lambda: scene.exchange.ticker("BTC_USDC"), lambda seen: seen["state"] == "stale")
    reply = scene.user.order()
    assert (reply.status_code, reply.json()["code"]) == (409, "PRICE_STALE")
    assert scene.user.close(scene.open_id).json()["code"] == "PRICE_STALE"
    assert holdings(scene.other) == before
