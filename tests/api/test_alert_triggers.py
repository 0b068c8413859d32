"""When a price alert triggers, and who is notified: once, with its time and price, on every socket of its user."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from api.stream.alert_feed import AlertFeed
from api.stream.outbox import SocketOutbox
from tests.api import test_alerts
from tests.api.test_alerts import BTC, STANDS, Place, alert_of, asked, listed
from tests.auth.conftest import Browser, refused
from tests.postgres.test_alerts import MID

# The fixtures of the other file, started for this file alone.
place = test_alerts.place
user = test_alerts.user


def test_an_alert_triggers_once_and_shows_its_time_and_price(place: Place, user: Browser) -> None:
    above = alert_of(user, "50010.0", note="sell")
    below = alert_of(user, 49990.0, direction="below")
    assert above | {"id": "", "created_at": ""} == {
        "id": "",
        "symbol": BTC,
        "direction": "above",
        "price": "50010.0",
        "note": "sell",
        "status": "active",
        "created_at": "",
        "triggered_at": None,
        "triggered_price": None,
    }
    assert (below["direction"], below["price"], below["note"]) == ("below", "49990.0", None)
    assert listed(user) == listed(user, status="active") == [below, above]
    place.move(MID + 98)
    assert listed(user, status="triggered") == []
    place.move(MID, high=MID + 99)
    [told] = listed(user, status="triggered")
    assert told == above | {
        "status": "triggered",
        "triggered_at": "2026-01-09T12:00:05.000000Z",
        "triggered_price": "50010.00",
    }
    place.move(MID + 200, MID - 200)
    [first, second] = listed(user, status="triggered")
    assert (first["id"], first["triggered_price"], second) == (below["id"], "49980.10", told)
    assert listed(user, status="active") == []


def test_an_alert_without_a_direction_waits_in_the_direction_of_its_price(user: Browser) -> None:
    assert alert_of(user, "50000.2")["direction"] == "above"
    assert alert_of(user, "50000.0")["direction"] == "below"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (
            {"price": "49999.9", "direction": "above"},
            "above 49999.9: choose a higher price, or leave `direction` out",
        ),
        ({"price": "50000.2", "direction": "below"}, "below 50000.2: choose a lower price, or leave `direction` out"),
        ({"price": "50000.1"}, "exactly 50000.1: choose another price"),
        ({"price": "50000.1", "direction": "below"}, "exactly 50000.1: choose another price"),
    ],
)
def test_an_alert_at_a_price_already_reached_is_refused_with_the_remedy(
    user: Browser, fields: dict[str, Any], detail: str
) -> None:
    reply = asked(user, **fields)
    refused(reply, 409, "ALERT_REACHED")
    assert reply.json()["detail"] == f"The mid of {BTC} is {STANDS}, {detail}"
    assert reply.json()["mid"] == STANDS
    assert listed(user) == []


class Listener:
    """A socket as one process's feed sees it."""

    def __init__(self, place: Place, feed: AlertFeed, user: Browser) -> None:
        self.place, self.feed = place, feed
        self.outbox = SocketOutbox(limit=100)
        place.site.run(feed.prepare(user.me().json()["account_id"], self.outbox))

    def subscribe(self) -> "Listener":
        self.on_the_loop(lambda: self.feed.subscribe(self.outbox))
        return self

    def unsubscribe(self) -> None:
        self.on_the_loop(lambda: self.feed.unsubscribe(self.outbox))

    def told(self) -> list[dict[str, Any]]:
        """The messages since the last call, after one round of the feed."""
        self.place.site.run(self.feed._publish())
        texts, self.outbox._texts = self.outbox._texts, deque()
        return [json.loads(text) for text in texts]

    def on_the_loop(self, call: Callable[[], None]) -> None:
        async def doing() -> None:
            call()

        self.place.site.run(doing())


def test_every_socket_gets_each_alert_triggered_after_its_snapshot_once(place: Place, user: Browser) -> None:
    one, another = AlertFeed(place.state), AlertFeed(place.state)
    near, mid, far = alert_of(user, "50010"), alert_of(user, "50020"), alert_of(user, "50030")
    alert_of(place.newcomer(), "50010")
    first, elsewhere, late = (Listener(place, feed, user) for feed in (one, another, one))
    [snapshot] = first.subscribe().told()
    assert (snapshot["channel"], snapshot["type"], snapshot["data"]) == ("alerts", "snapshot", [far, mid, near])
    place.move(MID + 99)
    [triggered] = listed(user, status="triggered")
    [update] = first.told()
    assert (update["type"], update["data"], update["ts"]) == ("update", triggered, triggered["triggered_at"])
    assert update["seq"] > snapshot["seq"]
    for listener in (elsewhere, late):  # It triggered between what these were prepared with and their beginning.
        assert [message["data"] for message in listener.subscribe().told()] == [[far, mid, near], triggered]
    assert first.told() == []
    place.move(MID + 199)
    for listener in (first, elsewhere, late):
        assert [message["data"]["id"] for message in listener.told()] == [mid["id"]]
    first.unsubscribe()
    place.move(MID + 299)
    assert (first.told(), len(elsewhere.told()), len(late.told())) == ([], 1, 1)
    [snapshot] = Listener(place, one, user).subscribe().told()
    assert snapshot["data"] == []
