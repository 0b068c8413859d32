"""Price alerts of a user: making, refusals, limits and ownership.

The application runs in this process without a log: the test hands the core's own events to it and to the tables.
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import create_engine, true

from api.alerts import service
from api.alerts.service import ACTIVE_MAX
from api.app_state import AppState
from api.store.users import is_not_deleted
from api.users.closing import _mark_closed
from cli.database import migrate_url
from projector.queries.alert_queries import NewAlert, add_alert
from reprise_client import Client, Refused
from tests.auth.conftest import PASSWORD, Browser, Site, refused, served, settings_of
from tests.auth.signing import headers_of
from tests.auth.test_api_keys import anonymous, made
from tests.conftest import new_database
from tests.postgres.test_alerts import MID, Market

BTC, STANDS = "BTC_USDC", "50000.10"  # the mid


class Place(Market):
    """A market whose events the API hears too."""

    def __init__(self, url: str, state: AppState, site: Site) -> None:
        self.state, self.site = state, site
        self._heard = 0
        super().__init__(create_engine(url))
        self.hear()

    def hear(self) -> None:
        """Let the API read the new events."""
        for value in self.exchange.values[0][self._heard :]:
            self.state.outcomes._take(0, value)
        self._heard = len(self.exchange.values[0])

    def move(self, *mids: int, low: int | None = None, high: int | None = None) -> None:
        """Prices one after the other, back to MID; tables and API have them all at the end."""
        self.tick(*mids, low=low, high=high)
        self.tick(MID)
        self.project()
        self.hear()

    def newcomer(self) -> Browser:
        browser = Browser(self.site).register()
        browser.http.headers["Authorization"] = f"Bearer {browser.login()}"
        browser.http.cookies.clear()
        return browser


@pytest.fixture(scope="module")
def place(postgres: str) -> Iterator[Place]:
    with new_database(postgres) as url:
        migrate_url(url)
        with served(settings_of(url)) as (state, site):
            place = Place(url, state, site)
            yield place
            place.engine.dispose()


@pytest.fixture
def user(place: Place) -> Browser:
    return place.newcomer()


def asked(user: Browser, price: object = "51000", **fields: Any) -> httpx.Response:
    return user.post("/alerts", json={"symbol": BTC, "price": price} | fields)


def alert_of(user: Browser, price: object = "51000", **fields: Any) -> dict[str, Any]:
    """An alert that must be made."""
    reply = asked(user, price, **fields)
    assert reply.status_code == 201, reply.text
    alert: dict[str, Any] = reply.json()
    assert reply.headers["Location"] == f"/api/v1/alerts/{alert['id']}"
    assert user.get(f"/alerts/{alert['id']}").json() == alert
    return alert


def listed(user: Browser, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = user.get("/alerts", params=filters).json()["items"]
    return items


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"price": "50100.05"}, 422, "MALFORMED"),  # Between two ticks.
        ({"price": "0"}, 422, "MALFORMED"),
        ({"price": -1}, 422, "MALFORMED"),
        ({"price": "1e30"}, 422, "MALFORMED"),
        ({"price": "much"}, 422, "MALFORMED"),
        ({"price": None}, 422, "MALFORMED"),
        ({"direction": "sideways"}, 422, "MALFORMED"),
        ({"note": "x" * 201}, 422, "MALFORMED"),
        ({"note": 5}, 422, "MALFORMED"),
        ({"repeat": True}, 422, "MALFORMED"),
        ({"symbol": "DOGE_USDC"}, 409, "SYMBOL_UNKNOWN"),
    ],
)
def test_an_alert_with_an_impossible_field_is_refused(
    user: Browser, fields: dict[str, Any], status: int, code: str
) -> None:
    refused(asked(user, **fields), status, code)


def test_an_alert_sent_again_under_its_idempotency_key_is_made_once(place: Place, user: Browser) -> None:
    def sent(price: str = "50010.0", key: str = "once", whose: Browser = user, **fields: Any) -> httpx.Response:
        body = {"symbol": BTC, "price": price, "note": "sell"} | fields
        return whose.http.post("/api/v1/alerts", json=body, headers={"Idempotency-Key": key})

    made_first = sent()
    assert (made_first.status_code, made_first.headers.get("Idempotent-Replayed")) == (201, None)
    again = sent(price="50010", direction="above")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == made_first.json()
    assert again.headers["Location"] == made_first.headers["Location"]
    for other in ({"price": "50020"}, {"note": None}, {"direction": "below"}, {"symbol": "ETH_USDC"}):
        refused(sent(**other), 422, "COMMAND_ID_REUSED")
    # A price that was reached since would refuse a new one.
    place.move(MID + 200)
    triggered = sent().json()
    assert (triggered["id"], triggered["status"]) == (made_first.json()["id"], "triggered")
    assert listed(user) == [triggered]
    assert sent(whose=place.newcomer()).headers.get("Idempotent-Replayed") is None
    assert sent(key="twice").json()["id"] != triggered["id"]
    refused(sent(key=""), 422, "MALFORMED")


def test_concurrent_alerts_under_one_idempotency_key_are_one_alert_even_at_the_limit(
    user: Browser,
) -> None:
    for number in range(ACTIVE_MAX - 1):
        alert_of(user, 50_010 + number)

    def sent(_: int) -> httpx.Response:
        body = {"symbol": BTC, "price": "60000"}
        return user.http.post("/api/v1/alerts", json=body, headers={"Idempotency-Key": "the last"})

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(sent, range(8)))
    assert [reply.status_code for reply in replies] == [201] * len(replies)
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in replies) == 1
    assert len(listed(user, limit=500)) == ACTIVE_MAX


def test_an_alert_on_a_symbol_without_a_price_is_refused(place: Place, user: Browser) -> None:
    quotes = place.state.prices._quotes
    quote = quotes.pop("SOL_USDC")
    try:
        for direction in (None, "above"):
            refused(asked(user, "200", symbol="SOL_USDC", direction=direction), 409, "NO_PRICE")
    finally:
        quotes["SOL_USDC"] = quote


def test_another_user_s_alert_is_not_found_and_cannot_be_deleted(place: Place, user: Browser) -> None:
    alert, other = alert_of(user), place.newcomer()
    path = f"/alerts/{alert['id']}"
    for mine, at in ((other, path), (user, "/alerts/nothing")):
        refused(mine.get(at), 404, "NOT_FOUND")
        refused(mine.http.delete(f"/api/v1{at}"), 404, "NOT_FOUND")
    assert listed(other) == []
    assert user.http.delete(f"/api/v1{path}").status_code == 204
    refused(user.get(path), 404, "NOT_FOUND")
    refused(user.http.delete(f"/api/v1{path}"), 404, "NOT_FOUND")


def test_a_user_has_at_most_the_maximum_of_active_alerts_and_pages_through_the_list(
    place: Place, user: Browser
) -> None:
    alerts = [alert_of(user, 50_010 + number) for number in range(ACTIVE_MAX)]
    refused(asked(user), 409, "TOO_MANY_ALERTS")
    assert user.http.delete(f"/api/v1/alerts/{alerts.pop()['id']}").status_code == 204
    alerts.append(alert_of(user))
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = user.get("/alerts", params={"limit": 20, "status": "active"} | cursor).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        refused(user.get("/alerts", params=cursor), 422, "MALFORMED")  # It is of another filter.
    assert found == alerts[::-1]
    place.move(MID + 99)
    assert [alert["id"] for alert in listed(user, status="triggered")] == [alerts[0]["id"]]
    alert_of(user, "50500")


def test_making_an_alert_waits_until_the_api_has_the_price_of_the_tables(
    place: Place, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.tick(MID + 200)
    place.project()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(asked, user, "50015", direction="above")
        time.sleep(0.2)
        assert not asking.done()
        place.hear()
        refused(asking.result(), 409, "ALERT_REACHED")
    assert alert_of(user, "50015")["direction"] == "below"
    place.tick(MID)
    place.project()
    monkeypatch.setattr(service, "PATIENCE_S", 0.0)
    refused(asked(user, "50015"), 503, "PROJECTION_BEHIND")
    place.hear()


def test_an_api_key_reads_and_makes_alerts_only_with_the_scopes(user: Browser) -> None:
    alert_of(user)
    reader, trader = made(user, "read"), made(user, "trade")
    program = anonymous(user)
    body = b'{"symbol": "BTC_USDC", "price": "52000"}'

    def sent(key: Any, method: str, path: str, content: bytes = b"") -> httpx.Response:
        headers = headers_of(key, method, path, body=content) | {"Content-Type": "application/json"}
        return program.http.request(method, f"/api/v1{path}", content=content, headers=headers)

    assert len(sent(reader, "GET", "/alerts").json()["items"]) == 1
    refused(sent(reader, "POST", "/alerts", body), 403, "SCOPE_MISSING")
    reply = sent(trader, "POST", "/alerts", body)
    assert reply.status_code == 201, reply.text
    assert sent(trader, "DELETE", f"/alerts/{reply.json()['id']}").status_code == 204
    refused(sent(trader, "GET", "/alerts"), 403, "SCOPE_MISSING")
    refused(program.get("/alerts"), 401, "NOT_AUTHENTICATED")


def test_the_client_makes_lists_and_deletes_alerts(place: Place, user: Browser) -> None:
    async def talk() -> None:
        async with Client(place.site.url) as client:
            await client.login(user.email, PASSWORD)
            low = await client.create_alert(BTC, Decimal("49000.0"), note="buy")
            high = await client.create_alert(BTC, 51_000, direction="above")
            assert [alert async for alert in client.alerts()] == [high, low]
            assert (low.direction, low.price, low.note, low.status) == ("below", Decimal("49000.0"), "buy", "active")
            await client.delete_alert(high.id)
            assert [alert async for alert in client.alerts("active")] == [low]
            with pytest.raises(Refused) as refusal:
                await client.create_alert(BTC, STANDS)
            assert refusal.value.code == "ALERT_REACHED"

    asyncio.run(talk())


def test_a_deleted_user_leaves_no_alert_even_one_in_flight(place: Place, user: Browser) -> None:
    name, other = "Adelheid Unverwechselbar", place.newcomer()
    kept, me = alert_of(other), user.me().json()
    alert_of(user, "50010", note=name)
    place.move(MID + 99)
    alert_of(user, note=name)
    assert user.http.delete("/api/v1/auth/me").status_code == 202
    refused(asked(user), 401, "TOKEN_INVALID")

    def notes() -> str:
        with place.engine.connect() as db:
            return str(db.exec_driver_sql("SELECT account_id, note FROM ledger.alerts").all())

    assert name not in notes()
    late = NewAlert(uuid4(), me["account_id"], BTC, "above", 600_000, name, 0)
    with place.engine.begin() as db:
        gone = is_not_deleted(UUID(me["id"]))
        assert add_alert(db, late, seen=place.seq, most=1, provided=gone) is None
        assert add_alert(db, late, seen=place.seq, most=1, provided=true()) is not None
    with place.engine.begin() as db:
        _mark_closed(db, UUID(me["id"]))
    assert name not in notes()
    assert listed(other) == [kept]
