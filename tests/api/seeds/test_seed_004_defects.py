"""Users do not meet the defects of seed 004; the letters are those of docs/seeds.md."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.api.seeds.market import Market, Person
from tests.processes import eventually


def opened(person: Person, status: int = 201, **fields: Any) -> dict[str, Any]:
    """Open a position; the reply."""
    body = {"margin": 100, "asset": "SOL", "type": "long", "leverage": 2} | fields
    reply: dict[str, Any] = person.post("/api/v1/positions/open", status, **body)
    return reply


def test_seed_004_a_each_user_has_an_account_of_their_own(market: Market) -> None:
    person, other = Person(market), Person(market)
    position = opened(person)["positionId"]
    assert [found["positionId"] for found in person.get("/api/v1/state")["positions"]] == [position]
    assert other.get("/api/v1/state") == {"balances": {"USD": 5000, "SOL": 0}, "positions": []}
    with market.client() as nobody:
        shown = nobody.get("/api/v1/state").json()
        assert position not in [found["positionId"] for found in shown["positions"]]
        assert nobody.post("/api/v1/positions/close", json={"positionId": position}).status_code == 400
        nobody.headers["Authorization"] = "Bearer nonsense"
        assert nobody.get("/api/v1/state").status_code == 401


def test_seed_004_b_a_price_of_zero_liquidates_no_position(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    opened(person, margin=1000, leverage=10)
    for bid, ask in (("0", "0"), ("0", "150"), ("-1", "150"), ("151", "150")):
        market.price("SOL_USDC", bid, ask)
    market.at("SOL_USDC", "150.01")
    assert list(person.figures()[:4]) == [4000, 1000, 5000, 1]


def test_seed_004_c_a_liquidated_short_loses(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    opened(person, type="short", margin=1000, leverage=10)
    market.at("SOL_USDC", "172.50")
    eventually(person.figures, lambda figures: figures.open == 0)
    assert list(person.figures()[:3]) == [4000, 0, 4000]
    market.at("SOL_USDC", "150.00")


@pytest.mark.parametrize("margin", [-1000, 0])
def test_seed_004_d_a_negative_margin_is_refused(margin: int, market: Market) -> None:
    person = Person(market)
    refused = opened(person, 400, margin=margin)
    assert refused["code"] == "AMOUNT_NOT_POSITIVE"
    assert refused["error"].startswith("The amount is not positive: above 0, sent ")
    assert list(person.figures()[:4]) == [5000, 0, 5000, 0]


def test_seed_004_e_leverage_type_and_slippage_are_checked(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    for wrong, code in (
        ({"leverage": 1000}, "LEVERAGE_OUT_OF_RANGE"),
        ({"type": "foo"}, "MALFORMED"),
        ({"slippage": "foo"}, "MALFORMED"),
        ({"slippage": 1e300}, "MALFORMED"),
        ({"currentPrice": "foo"}, "MALFORMED"),
        ({"currentPrice": 1e-300}, "MALFORMED"),
    ):
        assert opened(person, 400, **wrong)["code"] == code, wrong
    assert person.figures().open == 0


def test_a_price_and_a_slippage_that_seed_004_s_client_sends_guard_nothing_and_stand_beside_the_real_price(
    market: Market,
) -> None:
    """Its page shows a random walk of its own, and its form sends a slippage of any size."""
    market.at("SOL_USDC", "150.00")
    person = Person(market)
    said: list[dict[str, Any]] = [
        {"currentPrice": 148.05, "slippage": 0.1},
        {"type": "short", "currentPrice": 163.123456789012345, "slippage": 500},
        {"currentPrice": 0, "slippage": -1},
        {},
    ]
    answered = [opened(person, **one) for one in said]
    for one, position in zip(said, answered, strict=True):
        assert position["entryPrice"] == (149.99 if one.get("type") == "short" else 150)
        assert {name: position.get(name) for name in ("currentPrice", "slippage")} == {
            "currentPrice": one.get("currentPrice"),
            "slippage": one.get("slippage"),
        }
    listed = person.get("/api/v1/state")["positions"]
    kept = ("positionId", "slippage", "currentPrice", "entryPrice")
    assert [{name: one.get(name) for name in kept} for one in listed[::-1]] == [
        {name: one.get(name) for name in kept} for one in answered
    ]
    closed = person.post("/api/v1/positions/close", positionId=answered[0]["positionId"], currentPrice=999)
    assert (closed["closePrice"], closed["currentPrice"]) == (149.99, 999)


def test_an_order_of_seed_004_sent_again_under_its_key_is_answered_with_the_price_said_at_first(market: Market) -> None:
    person = Person(market)
    key = {"Idempotency-Key": "once"}
    body = {"margin": 10, "asset": "SOL", "type": "long", "leverage": 2}
    first, again = (
        person.http.post("/api/v1/positions/open", json=body | {"currentPrice": price}, headers=key).json()
        for price in (140, 141)
    )
    assert first["positionId"] == again["positionId"]
    assert again["currentPrice"] == first["currentPrice"] == 140


def test_seed_004_h_position_ids_do_not_collide(market: Market) -> None:
    person = Person(market)
    with ThreadPoolExecutor(10) as pool:
        positions = [found["positionId"] for found in pool.map(lambda _: opened(person, margin=10), range(20))]
    assert len(set(positions)) == 20


def test_seed_004_i_tenths_add_up(market: Market) -> None:
    person = Person(market)
    for _ in range(3):
        opened(person, margin=0.1, leverage=100)
    assert person.figures().used == Decimal("0.3")
    assert person.get("/api/v1/state")["balances"]["USD"] == 4999.7
