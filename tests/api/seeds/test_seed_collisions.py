"""Clients of two seeds that share one path both get the expected reply, and the documents describe it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.exchange import PASSWORD
from tests.api.schema_judge import SEEDS, SEEDS_ENDING, judged, report_of
from tests.api.seeds.market import Market, Person

EXAMPLES = ("--max-examples", "10")


def new_body(**fields: Any) -> dict[str, Any]:
    return {"email": f"{uuid4().hex}@example.com", "password": PASSWORD} | fields


def test_one_register_serves_seed_002_by_its_token_and_seed_003_by_its_cookie(market: Market) -> None:
    bodies = {
        "002": new_body(binanceApiKey="key", binanceSecretKey="secret"),
        "003": new_body(name="Ada"),
    }
    replies = {number: market.client().post("/auth/register", json=body) for number, body in bodies.items()}
    for number, reply in replies.items():
        assert reply.status_code == 201, reply.text
        said = reply.json()
        assert said["user"]["email"] == bodies[number]["email"]
        assert said["user"]["name"] == bodies[number].get("name")
        assert reply.cookies["token"] == said["token"]
    by_token = {"Authorization": f"Bearer {replies['002'].json()['token']}"}
    assert httpx.get(f"{market.url}/api/trading/positions", headers=by_token).json() == []
    by_cookie = {"Cookie": f"token={replies['003'].cookies['token']}"}
    assert httpx.get(f"{market.url}/auth/me", headers=by_cookie).json()["user"]["name"] == "Ada"
    taken = market.client().post("/auth/register", json=bodies["003"])
    assert (taken.status_code, taken.json()["code"], taken.json()["error"]) == (
        *(409, "EMAIL_TAKEN"),
        "The email is registered already",
    )


def test_one_login_serves_seed_002_and_seed_003(market: Market) -> None:
    body = new_body()
    market.client().post("/auth/register", json=body)
    reply = market.client().post("/auth/login", json=body)
    assert reply.json()["token"] == reply.cookies["token"]
    assert reply.json()["user"]["email"] == body["email"]
    wrong = market.client().post("/auth/login", json=body | {"password": "another password"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "Email or password is wrong")


def test_one_balance_serves_seed_000_by_asset_and_seed_003_by_list(market: Market) -> None:
    person = Person(market)
    balance = person.get("/balance")
    assert balance["USD"] == {"balance": 500_000, "decimals": 2}
    assert {"symbol": "USDC", "balance": 500_000, "decimals": 2} in balance["balances"]
    assert balance["userId"] == person.get("/auth/me")["id"]
    assert person.get("/api/v1/balance/USD") == {"USD": {"balance": 500_000, "decimals": 2}}
    assert person.get("/balance/USDC") == {"symbol": "USDC", "balance": 500_000, "decimals": 2}


def test_one_me_serves_seed_001_and_the_api_proper(market: Market) -> None:
    person = Person(market)
    me = person.get("/api/v1/auth/me")
    assert me["email"] == me["user"]["email"] == person.email
    cookie = httpx.get(f"{market.url}/api/v1/auth/me", headers={"Cookie": f"authToken={person.token}"})
    assert cookie.json() == me


def test_one_candles_path_serves_seed_001_by_asset_and_the_api_proper_by_symbol(market: Market) -> None:
    with market.client() as client:
        ours = client.get("/api/v1/candles", params={"symbol": "SOL_USDC"}).json()
        theirs = client.get("/api/v1/candles", params={"asset": "SOL", "interval": "1m"}).json()
        assert {"items", "next_cursor"} == set(ours)
        assert set(theirs[-1]) == {
            *("start", "end", "open", "high", "low", "close"),
            *("volume", "quoteVolume", "trades"),
        }
        wrong = client.get("/api/v1/candles", params={"asset": "SOL", "interval": "7m"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "MALFORMED")


def test_of_the_cookies_of_two_users_seed_003_s_own_counts(market: Market) -> None:
    one, other = Person(market), Person(market)
    cookies = {"Cookie": f"authToken={one.token}; token={other.token}"}
    reply = httpx.get(f"{market.url}/balance", headers=cookies)
    assert (reply.status_code, reply.json()["userId"]) == (200, other.get("/auth/me")["id"])


def test_the_smaller_routes_of_seed_000_and_seed_001_are_served(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    with market.client() as client:
        assert client.get("/health").json()["status"] == "ok"
        assets = client.get("/api/v1/supportedAssets").json()["assets"]
        assert [asset["symbol"] for asset in assets] == ["BTC", "ETH", "SOL"]
        price = client.get("/api/v1/price", params={"asset": "SOL_USDC"}).json()
        assert price == {"asset": "SOL_USDC", "price": "149995000", "decimal": 6}


def test_a_leverage_of_the_old_scale_is_refused_by_a_message_that_names_the_scale(market: Market) -> None:
    refused = Person(market).engine(400, command="CREATE_TRADE", asset="SOL", direction="LONG", margin=10, leverage=225)
    assert refused["code"] == "LEVERAGE_OUT_OF_RANGE"
    assert "scale of tenths" in refused["error"]


def test_a_deleted_user_of_seed_001_frees_their_email(market: Market) -> None:
    person = Person(market)
    person.engine(command="CREATE_TRADE", asset="SOL", direction="LONG", margin=10, leverage=1)
    assert person.engine(command="DELETE_USER")["success"]
    assert person.http.get("/api/v1/auth/me").status_code == 401
    again = market.client().post("/auth/register", json=new_body(email=person.email))
    assert again.status_code == 201


@pytest.fixture(scope="module")
def document(market: Market) -> dict[str, Any]:
    read: dict[str, Any] = market.http.get("/api/compat/openapi.json").json()
    return read


SERVED = {
    ("post", "/trades"),
    ("post", "/trades/{order_id}/close"),
    ("post", "/api/v1/trade/create"),
    ("post", "/api/v1/trade/close"),
    ("get", "/balance"),
    ("get", "/api/v1/balance"),
    ("get", "/api/v1/balance/{asset}"),
    ("get", "/api/v1/supportedAssets"),
    ("post", "/api/v1/auth/signup"),
    ("post", "/api/v1/auth/signin"),
    ("post", "/api/v1/user/signup"),
    ("post", "/api/v1/user/signin"),
    ("get", "/api/v1/user/me"),
    ("get", "/api/v1/user/orders"),
    ("get", "/api/v1/user/trades"),
    ("delete", "/api/v1/user/delete"),
    ("get", "/api/v1/price"),
    ("get", "/api/v1/candles"),
    ("post", "/api/v1/engine"),
    ("post", "/auth/register"),
    ("post", "/auth/login"),
    ("post", "/auth/logout"),
    ("get", "/auth/me"),
    ("post", "/api/trading/orders"),
    ("get", "/api/trading/orders"),
    ("get", "/api/trading/orders/{order_id}"),
    ("delete", "/api/trading/orders/{order_id}"),
    ("get", "/api/trading/positions"),
    ("post", "/trade/create"),
    ("post", "/trade/open"),
    ("post", "/trade/close/{order_id}"),
    ("get", "/trade/orders"),
    ("get", "/trade/orders/{order_id}"),
    ("get", "/balance/{symbol}"),
    ("post", "/balance/deposit"),
    ("get", "/candles"),
    ("get", "/api/v1/state"),
    ("post", "/api/v1/positions/open"),
    ("post", "/api/v1/positions/close"),
    ("get", "/health"),
}


def test_the_seeds_openapi_document_has_the_seeds_routes_and_the_api_s_document_none_of_the_seeds(
    market: Market, document: dict[str, Any]
) -> None:
    found = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert found == SERVED
    names = [item["operationId"] for methods in document["paths"].values() for item in methods.values()]
    assert len(set(names)) == len(names)
    own = market.http.get("/openapi.json").json()
    both = {path for path in own["paths"] if path in document["paths"]}
    assert both == {"/api/v1/candles"}


def test_every_reference_in_the_seeds_openapi_document_resolves(document: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        return [found for value in part for found in references(value)] if isinstance(part, list) else []

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_replies_to_an_anonymous_client_conform_to_the_seeds_openapi_document(market: Market) -> None:
    run = judged(market, None, *EXAMPLES, document=SEEDS)
    assert run.returncode == 0, report_of(run)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("only", [None, *SEEDS_ENDING])
def test_replies_to_a_user_conform_to_the_seeds_openapi_document(market: Market, only: str | None) -> None:
    run = judged(market, Person(market).token, *EXAMPLES, document=SEEDS, only=only)
    assert run.returncode == 0, report_of(run)
