"""Users do not meet the defects of seed 000; the letters are those of docs/seeds.md."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import jwt
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from runtime.kafka import admin_options
from schemas.topics import TICKS
from tests.api.exchange import PASSWORD
from tests.api.seeds.market import Market, Person
from tests.processes import eventually


def trade(person: Person, status: int = 201, **fields: object) -> str:
    """Open a trade; its id."""
    body = {"asset": "SOL", "type": "long", "margin": 100, "leverage": 1} | fields
    return str(person.post("/trades", status, **body).get("orderId"))


def test_seed_000_a_a_price_keeps_its_digits(market: Market) -> None:
    market.at("SOL_USDC", "150.37")
    person = Person(market)
    order = trade(person, margin=1503.7, leverage=1)
    market.at("SOL_USDC", "150.39")
    row = eventually(lambda: person.get(f"/trade/orders/{order}")["order"], lambda seen: seen["pnl"] == 0.1)
    assert (row["price"], row["quantity"]) == (150.37, 10)


def test_seed_000_b_a_long_opens_at_the_ask_and_a_short_at_the_bid(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    long, short = trade(person), trade(person, type="short")
    assert person.get(f"/trade/orders/{long}")["order"]["price"] == 150
    assert person.get(f"/trade/orders/{short}")["order"]["price"] == 149.99
    for order, exit_price in ((long, 149.99), (short, 150)):
        person.post(f"/trades/{order}/close")
        assert person.get(f"/trade/orders/{order}")["order"]["exitPrice"] == exit_price


def test_seed_000_c_margin_is_checked_and_reserved(market: Market) -> None:
    person = Person(market)
    trade(person, margin=4000)
    refused = person.post("/trades", 409, asset="SOL", type="long", margin=1000.01, leverage=1)
    assert refused["code"] == "INSUFFICIENT_MARGIN"
    assert list(person.figures()[:4]) == [1000, 4000, 5000, 1]


def test_seed_000_d_closing_twice_pays_once(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    order = trade(person, margin=1500)
    market.at("SOL_USDC", "155.01")
    person.post(f"/trades/{order}/close")
    after = person.figures()
    assert after.free == Decimal(5050)
    again = person.post(f"/trades/{order}/close", 409)
    assert again["code"] == "POSITION_NOT_OPEN"
    assert person.figures() == after


def test_seed_000_e_only_the_owner_closes_a_trade(market: Market) -> None:
    owner = Person(market)
    other = owner.neighbour()
    order = trade(owner)
    before = owner.figures(), other.figures()
    refused = other.http.post("/api/v1/trade/close", json={"orderId": order})
    assert (owner.figures(), other.figures()) == before
    assert (refused.status_code, refused.json()["code"]) == (404, "POSITION_NOT_OPEN")


def test_seed_000_f_a_close_of_an_unknown_id_is_refused_and_other_users_trade_on(market: Market) -> None:
    person, other = Person(market), Person(market)
    for unknown in ("0-999999", "nonsense", "6f1a3c1e-6d6b-5b7e-9b1e-2f0a6f0c7e11", "99999-1"):
        person.post("/api/v1/trade/close", 404, orderId=unknown)
    assert trade(other)


def test_seed_000_g_a_first_request_may_be_an_order(market: Market) -> None:
    assert trade(Person(market))


def test_seed_000_h_each_of_many_concurrent_requests_gets_its_own_reply(market: Market) -> None:
    person = Person(market)
    with ThreadPoolExecutor(10) as pool:
        orders = list(pool.map(lambda _: trade(person, margin=10), range(30)))
        balances = list(pool.map(lambda order: person.post(f"/trades/{order}/close"), orders))
    assert len(set(orders)) == len(balances) == 30
    assert person.figures().open == 0


def test_seed_000_i_signing_up_is_signing_in(market: Market) -> None:
    with market.client() as client:
        registered = client.post(
            "/auth/register", json={"email": f"new-{id(client)}@example.com", "password": PASSWORD}
        )
        assert registered.status_code == 201
        assert client.cookies["token"] == registered.json()["token"]
        assert client.get("/balance").json()["USD"] == {"balance": 500_000, "decimals": 2}


def test_seed_000_j_a_position_is_liquidated_before_its_balance_is_negative(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    order = trade(person, margin=5000, leverage=20)
    market.at("SOL_USDC", "143.00")
    row = eventually(lambda: person.get(f"/trade/orders/{order}")["order"], lambda seen: seen["status"] == "closed")
    assert row["closeReason"] == "Liquidation"
    figures = person.figures()
    assert figures.free >= 0
    assert figures.free == figures.balance
    market.at("SOL_USDC", "150.00")


def test_seed_000_k_the_topic_of_prices_is_trimmed(market: Market) -> None:
    admin = AdminClient(admin_options(market.settings))
    resource = ConfigResource(ResourceType.TOPIC, TICKS)
    config = admin.describe_configs([resource])[resource].result(timeout=10)
    assert config["retention.ms"].value == str(7 * 24 * 60 * 60 * 1000)


def test_seed_000_l_a_token_expires_after_a_day_and_ends_by_logout(market: Market) -> None:
    person = Person(market)
    claims = jwt.decode(person.token, options={"verify_signature": False})
    assert timedelta(seconds=claims["exp"] - claims["iat"]) == timedelta(hours=24)
    assert datetime.fromtimestamp(claims["exp"], UTC) > datetime.now(UTC)
    person.post("/auth/logout")
    assert person.http.get("/balance").status_code == 401
