"""A receipt says at which price its rule would have let the position be, and what else the tick closed."""

from typing import Any

import pytest

from tests.api.exchange import Exchange, User
from tests.processes import eventually

START = ("49999.9", "50000.0")


@pytest.fixture(autouse=True)
def price(exchange: Exchange) -> None:
    exchange.confirmed_price("BTC_USDC", *START)
    exchange.until_fresh("BTC_USDC", START[0])


def move(exchange: Exchange, bid: str, ask: str) -> None:
    exchange.price("BTC_USDC", bid, ask)
    exchange.until_fresh("BTC_USDC", bid)


def receipt_of(user: User, position_id: str) -> dict[str, Any]:
    position = eventually(lambda: user.get(f"/positions/{position_id}"), lambda seen: seen["status"] == "closed")
    receipt: dict[str, Any] = user.get(f"/receipts/{position['receipt_id']}")
    return receipt


@pytest.mark.parametrize(
    ("order", "leaves_open", "closes", "rule"),
    [
        ({"side": "long", "stop_loss": "49900"}, ("49900.1", "49900.2"), ("49900.0", "49900.1"), "stop_loss"),
        ({"side": "short", "stop_loss": "50100"}, ("50099.8", "50099.9"), ("50099.9", "50100.0"), "stop_loss"),
        ({"side": "long", "take_profit": "50100"}, ("50099.9", "50100.0"), ("50100.0", "50100.1"), "take_profit"),
        ({"side": "short", "take_profit": "49900"}, ("49900.0", "49900.1"), ("49899.9", "49900.0"), "take_profit"),
        # 0.1 BTC with margin 100: LIQ-01 of docs/rules.md, from an ask of 50,000.0.
        ({"side": "long", "leverage": "50"}, ("49246.3", "49246.4"), ("49246.2", "49246.3"), "liquidation"),
        ({"side": "short", "leverage": "50"}, ("50746.0", "50746.1"), ("50746.1", "50746.2"), "liquidation"),
    ],
)
def test_the_open_price_of_a_receipt_is_the_price_beside_its_trigger_at_which_the_position_stays_open(
    exchange: Exchange, order: dict[str, str], leaves_open: tuple[str, str], closes: tuple[str, str], rule: str
) -> None:
    user = exchange.new_user()
    position_id = user.opened(**order)["position_id"]
    if rule == "liquidation":
        assert user.get(f"/positions/{position_id}")["liquidation_price"] in closes
    move(exchange, *leaves_open)
    assert user.get(f"/positions/{position_id}")["status"] == "open"
    move(exchange, *closes)
    receipt = receipt_of(user, position_id)
    assert receipt["rule"] == rule
    # What it would have closed at: a long at the bid, a short at the ask.
    side = 0 if order["side"] == "long" else 1
    assert (receipt["trigger_price"], receipt["open_price"]) == (closes[side], leaves_open[side])


def test_a_close_by_hand_has_no_open_price_and_no_neighbours(exchange: Exchange) -> None:
    one, other = exchange.new_user(), exchange.new_user()
    positions = [(user, user.opened()["position_id"]) for user in (one, other)]
    for user, position_id in positions:
        assert user.close(position_id).status_code == 200
        receipt = receipt_of(user, position_id)
        assert (receipt["trigger_price"], receipt["open_price"]) == (None, None)
        closings = user.get(f"/receipts/{receipt['event_id']}/closings")
        assert (closings["place"], closings["count"], closings["elsewhere"]) == (1, 1, 0)
        assert [(item["yours"], item["rule"]) for item in closings["items"]] == [(True, "manual")]


def test_a_receipt_says_what_else_closed_at_its_tick_in_the_ledgers_order_and_not_whose_it_was(
    exchange: Exchange,
) -> None:
    users = [exchange.new_user() for _ in range(12)]
    opened = [
        (user, user.opened(stop_loss=str(49_900 - number % 5), margin=str(100 + number))["position_id"])
        for number, user in enumerate(users)
    ]
    bystander = exchange.new_user()
    bystander.opened(stop_loss="40000")
    move(exchange, "49800.0", "49800.1")
    receipts = [(user, receipt_of(user, position_id)) for user, position_id in opened]
    places = {receipt["event_id"]: [int(part) for part in receipt["event_id"].split("-")] for _, receipt in receipts}
    for user, receipt in receipts:
        shard, seq = places[receipt["event_id"]]
        here = sorted((number, name) for name, (of, number) in places.items() if of == shard)
        by_name = {other["event_id"]: other for _, other in receipts}
        closings = user.get(f"/receipts/{receipt['event_id']}/closings")
        assert closings == {
            "symbol": "BTC_USDC",
            "place": here.index((seq, receipt["event_id"])) + 1,
            "count": len(here),
            "elsewhere": len(users) - len(here),
            "items": [
                {
                    "place": place,
                    "yours": name == receipt["event_id"],
                    "side": "long",
                    "quantity": by_name[name]["quantity"],
                    "close_price": "49800.0",
                    "rule": "stop_loss",
                }
                for place, (_, name) in enumerate(here, 1)
            ],
        }


def test_the_closings_of_anothers_receipt_are_not_found(exchange: Exchange) -> None:
    user, other = exchange.new_user(), exchange.new_user()
    position_id = user.opened()["position_id"]
    assert user.close(position_id).status_code == 200
    event_id = receipt_of(user, position_id)["event_id"]
    for path in (f"/receipts/{event_id}/closings", f"/receipts/{event_id}"):
        assert other.http.get(path).json()["code"] == "NOT_FOUND"
        assert exchange.http.get(f"/api/v1{path}").json()["code"] == "NOT_AUTHENTICATED"
