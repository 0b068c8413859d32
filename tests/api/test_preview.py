"""What a preview says over HTTP is what the order then does; and what instruments and refusals say of their bounds."""

from typing import Any

import pytest

from tests.api.exchange import Exchange, User

SAME = ("price", "quantity", "margin", "leverage", "liquidation_price", "warnings")


@pytest.fixture(scope="module")
def user(exchange: Exchange) -> User:
    return exchange.new_user()


def preview(user: User, **fields: Any) -> dict[str, Any]:
    body = {"symbol": "BTC_USDC", "side": "long", "margin": "100", "leverage": "10"} | fields
    given = {name: value for name, value in body.items() if value is not None}
    reply = user.http.post("/orders/preview", json=given)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"side": "short", "leverage": "50"},
        {"margin": None, "quantity": "0.01", "leverage": "3"},
        {"stop_loss": "45000.1", "leverage": "20"},
        {"symbol": "ETH_USDC", "margin": "12.345678"},
    ],
)
def test_an_order_opens_with_the_figures_of_its_preview(user: User, fields: dict[str, Any]) -> None:
    before, events = user.get("/account")["free_margin"], user.get("/audit/events")
    said = preview(user, **fields)
    assert (said["status"], said["refusals"], said["free_margin_before"]) == ("filled", [], before)
    assert user.get("/audit/events") == events, "a preview has no place in the log"
    order = user.opened(**fields)
    assert {name: order[name] for name in SAME} == {name: said[name] for name in SAME}
    assert user.get("/account")["free_margin"] == said["free_margin_after"]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"margin": "200000"}, ["POSITION_NOTIONAL_LIMIT", "INSUFFICIENT_MARGIN"]),
        ({"leverage": "101"}, ["LEVERAGE_OUT_OF_RANGE"]),
        ({"symbol": "SOL_USDC"}, ["NO_PRICE"]),
        ({"stop_loss": "60000", "margin": "6000"}, ["STOP_LOSS_WRONG_SIDE", "INSUFFICIENT_MARGIN"]),
        ({"margin": "0"}, ["AMOUNT_NOT_POSITIVE"]),
        ({"expected_price": "40000"}, ["SLIPPAGE_EXCEEDED"]),
    ],
)
def test_an_order_is_refused_by_the_first_refusal_of_its_preview(
    user: User, fields: dict[str, Any], codes: list[str]
) -> None:
    said = preview(user, **fields)
    found = [refusal["code"] for refusal in said["refusals"]]
    assert (said["status"], [code for code in found if code in codes]) == ("rejected", codes)
    problem = user.order(**fields).json()
    assert problem["code"] == found[0]
    assert problem["details"].keys() == said["refusals"][0]["details"].keys()


def test_the_refusal_of_an_order_says_its_bound_and_what_was_sent(user: User) -> None:
    problem = user.order(leverage="101").json()
    assert problem["details"] == {"leverage_min": "1.00", "leverage_max": "100.00", "sent": "101.00"}
    assert problem["detail"] == "The leverage is out of range: leverage min 1.00, leverage max 100.00, sent 101.00"
    free = user.get("/account")["free_margin"]
    problem = user.order(margin="5999").json()
    assert (problem["code"], problem["details"]["free_margin"]) == ("INSUFFICIENT_MARGIN", free)
    assert problem["details"]["margin"] == "5999.000000"
    position = user.opened(margin="10")
    path = f"/positions/{position['position_id']}/close"
    problem = user.http.post(path, json={"quantity": "99"}).json()
    assert problem["details"] == {"maximum": position["quantity"], "sent": "99.00000"}
    problem = user.http.post("/demo/deposit", json={"amount": "100000.000001"}).json()
    assert problem["details"] == {"sent": "100000.000001", "deposits_of_a_day_max": "100000.000000"}
    problem = user.http.get("/orders/nothing-like-it").json()
    assert problem["detail"] == "You have no order 'nothing-like-it'"


def test_the_instruments_have_every_parameter_that_decides_money(exchange: Exchange) -> None:
    found = exchange.http.get("/api/v1/instruments").json()
    assert (found["rules_version"], found["account"]["open_positions_max"]) == (2, 500)
    bitcoin = found["items"][0]
    assert {
        name: bitcoin[name]
        for name in ("fee_rate", "liquidation_fee_rate", "margin_floor_rate", "notional_max", "stale_after_ms")
    } == {
        "fee_rate": "0.000000",
        "liquidation_fee_rate": "0.005000",
        "margin_floor_rate": "0.050000",
        "notional_max": "1000000.000000",
        "stale_after_ms": 5_000,
    }
    assert (bitcoin["price_decimals"], bitcoin["quantity_decimals"], bitcoin["open_age_max_ms"]) == (1, 5, 2_000)
