"""Users do not meet the defects of seed 003; the letters are those of docs/seeds.md."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from tests.api.exchange import PASSWORD
from tests.api.seeds.market import Market, Person
from tests.processes import eventually


def order(person: Person, status: int = 200, **fields: Any) -> dict[str, Any]:
    """Open an order; the reply."""
    body = {"asset": "BTC", "side": "buy", "qty": 0.01, "leverage": 10} | fields
    reply: dict[str, Any] = person.post("/trade/create", status, **body)
    return reply


def row_of(person: Person, order_id: str) -> dict[str, Any]:
    row: dict[str, Any] = person.get(f"/trade/orders/{order_id}")["order"]
    return row


def test_seed_003_a_a_profit_sent_by_the_client_is_ignored(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    order_id = order(person)["orderId"]
    closed = person.post(f"/trade/close/{order_id}", pnl=1_000_000, closeReason="TakeProfit")
    assert closed["pnl"] == -0.001
    assert person.figures().free == Decimal("4999.999")
    assert row_of(person, order_id)["closeReason"] == "Manual"


def test_seed_003_b_deposits_are_limited_and_positive(market: Market) -> None:
    person = Person(market)
    assert person.post("/balance/deposit", symbol="USDC", amount=100_00, decimals=2) == {
        "symbol": "USDC",
        "balance": 5_100_00,
        "decimals": 2,
    }
    for amount, status, code in (
        (-1, 409, "AMOUNT_NOT_POSITIVE"),
        (0, 409, "AMOUNT_NOT_POSITIVE"),
        (10**9, 409, "DEPOSIT_LIMIT"),
        (10**30, 400, "MALFORMED"),
    ):
        assert person.post("/balance/deposit", status, symbol="USDC", amount=amount)["code"] == code
    assert person.post("/balance/deposit", 400, symbol="BTC", amount=1)["code"] == "MALFORMED"
    assert person.figures().free == 5_100


def test_seed_003_c_a_close_directly_after_the_opening_succeeds(market: Market) -> None:
    person = Person(market)
    for _ in range(5):
        order_id = order(person)["orderId"]
        assert person.post(f"/trade/close/{order_id}")["orderId"] == order_id
    assert person.figures().open == 0


def test_seed_003_d_a_quantity_of_a_thousandth_is_kept(market: Market) -> None:
    person = Person(market)
    for quantity in (0.001, 0.0149, 0.00001):
        assert row_of(person, order(person, qty=quantity)["orderId"])["quantity"] == quantity


def test_seed_003_e_a_price_beyond_the_seed_s_32_bits_is_exact(market: Market) -> None:
    """Their limit was 214,748.36."""
    market.at("BTC_USDC", "250000.0")
    person = Person(market)
    order_id = order(person)["orderId"]
    market.at("BTC_USDC", "260000.1")
    assert person.post(f"/trade/close/{order_id}")["pnl"] == 100
    row = row_of(person, order_id)
    assert (row["price"], row["exitPrice"]) == (250_000, 260_000)
    assert person.figures().free == 5_100
    market.at("BTC_USDC", "50000.0")


def test_seed_003_g_a_liquidated_order_is_closed_once(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    order_id = order(person, qty=1, leverage=20)["orderId"]
    market.at("BTC_USDC", "47600.0")
    row = eventually(lambda: row_of(person, order_id), lambda seen: seen["status"] == "closed")
    after = person.figures()
    assert (row["closeReason"], after.lines.count("realized_pnl")) == ("Liquidation", 1)
    for price in ("47500.0", "47000.0", "50000.0"):
        market.at("BTC_USDC", price)
    assert person.figures() == after
    assert person.post(f"/trade/close/{order_id}", 409)["code"] == "POSITION_NOT_OPEN"


def test_seed_003_h_margin_and_balance_have_the_same_unit(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    assert order(person, 409, qty=0.10001, leverage=1)["code"] == "INSUFFICIENT_MARGIN"
    order(person, qty=0.1, leverage=1)
    assert list(person.figures()[:2]) == [0, 5_000]


def test_seed_003_i_an_unknown_asset_is_refused(market: Market) -> None:
    person = Person(market)
    for asset in ("DOGE", "BTC_EUR", "", "btc usdc"):
        assert order(person, 409, asset=asset)["code"] == "SYMBOL_UNKNOWN"
    market.at("ETH_USDC", "2000.00")
    assert row_of(person, order(person, asset="ETHUSDT", qty=0.1)["orderId"])["price"] == 2_000


def test_seed_003_j_a_refused_order_is_not_reported_as_created(market: Market) -> None:
    refused = order(Person(market), 409, qty=10)
    assert refused["error"] == refused["message"]
    assert refused["error"].startswith("Not enough free margin: margin ")
    assert "orderId" not in refused


def test_seed_003_k_a_password_is_stored_as_a_hash(market: Market) -> None:
    person = Person(market)
    with psycopg.connect(market.settings.database_url.replace("+psycopg", "")) as connection:
        stored = connection.execute("SELECT password_hash FROM auth.users WHERE email = %s", (person.email,)).fetchone()
    assert stored is not None
    assert stored[0].startswith("$argon2id$")
    assert PASSWORD not in stored[0]
    claims = jwt.decode(person.token, options={"verify_signature": False})
    forged = jwt.encode(claims, "secret" * 6, headers=jwt.get_unverified_header(person.token))
    assert httpx.get(f"{market.url}/balance", headers={"Cookie": f"token={forged}"}).status_code == 401


def test_seed_003_l_a_cross_site_request_cannot_trade(market: Market) -> None:
    person = Person(market)
    before = person.figures()
    for path, body in (
        ("/trade/create", {"asset": "BTC", "side": "buy", "qty": 0.01, "leverage": 1}),
        ("/balance/deposit", {"symbol": "USDC", "amount": 1}),
    ):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            cookie = {"Cookie": f"token={person.token}"}
            reply = httpx.post(f"{market.url}{path}", json=body, headers=cookie | headers)
            assert (reply.status_code, reply.json()["code"]) == (403, "CROSS_SITE_REQUEST")
    assert person.figures() == before


def test_seed_003_n_concurrent_deposits_and_trades_add_up(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)

    def both(number: int) -> None:
        if number % 2:
            person.post("/balance/deposit", symbol="USDC", amount=1, decimals=0)
        else:
            order(person, qty=0.001, leverage=1)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(both, range(40)))
    figures = person.figures()
    assert list(figures[:4]) == [4_020, 1_000, 5_020, 20]


@pytest.mark.parametrize("leverage", [1e9, 100.01, 0, -1, 0.99])
def test_seed_003_o_leverage_has_a_limit(leverage: float, market: Market) -> None:
    person = Person(market)
    refused = person.http.post(
        "/trade/create", json={"asset": "BTC", "side": "sell", "qty": 0.001, "leverage": leverage}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "LEVERAGE_OUT_OF_RANGE")
    assert person.figures().open == 0
