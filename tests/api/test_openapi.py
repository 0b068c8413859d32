"""The OpenAPI document: every route is in it, with the problems it answers with, and nothing else is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi.routing import RouteContext, iter_route_contexts

from api.app import create_app
from api.auth.limiting import is_limited
from api.http.problems import REGISTRY
from api.main import build
from api.screen.pages import NAMED
from tests.api.exchange import Exchange
from tests.api.schema_judge import judged, report_of

OPERATIONS = {
    ("post", "/api/v1/auth/register"): "register",
    ("post", "/api/v1/auth/login"): "login",
    ("post", "/api/v1/auth/refresh"): "refresh",
    ("post", "/api/v1/auth/logout"): "logout",
    ("post", "/api/v1/auth/logout-everywhere"): "logout_everywhere",
    ("post", "/api/v1/auth/password"): "change_password",
    ("get", "/api/v1/auth/sessions"): "list_sessions",
    ("delete", "/api/v1/auth/sessions/{session_id}"): "end_session",
    ("get", "/api/v1/auth/me"): "me",
    ("delete", "/api/v1/auth/me"): "delete_me",
    ("get", "/api/v1/api-keys"): "list_api_keys",
    ("post", "/api/v1/api-keys"): "create_api_key",
    ("get", "/api/v1/api-keys/{key_id}"): "get_api_key",
    ("delete", "/api/v1/api-keys/{key_id}"): "revoke_api_key",
    ("get", "/api/v1/venue-keys"): "get_venue_keys",
    ("put", "/api/v1/venue-keys"): "store_venue_keys",
    ("delete", "/api/v1/venue-keys"): "revoke_venue_keys",
    ("get", "/api/v1/venue"): "get_venue",
    ("get", "/api/v1/venue/orders"): "list_venue_orders",
    ("get", "/api/v1/venue/orders/{order_id}"): "get_venue_order",
    ("get", "/api/v1/alerts"): "list_alerts",
    ("post", "/api/v1/alerts"): "create_alert",
    ("get", "/api/v1/alerts/{alert_id}"): "get_alert",
    ("delete", "/api/v1/alerts/{alert_id}"): "delete_alert",
    ("get", "/api/v1/instruments"): "list_instruments",
    ("get", "/api/v1/tickers"): "list_tickers",
    ("get", "/api/v1/candles"): "list_candles",
    ("post", "/api/v1/orders"): "place_order",
    ("post", "/api/v1/orders/preview"): "preview_order",
    ("get", "/api/v1/orders"): "list_orders",
    ("get", "/api/v1/orders/{order_id}"): "get_order",
    ("get", "/api/v1/positions"): "list_positions",
    ("get", "/api/v1/positions/{position_id}"): "get_position",
    ("patch", "/api/v1/positions/{position_id}"): "amend_position",
    ("post", "/api/v1/positions/close-all"): "close_all_positions",
    ("post", "/api/v1/positions/{position_id}/close"): "close_position",
    ("get", "/api/v1/account"): "get_account",
    ("get", "/api/v1/fills"): "list_fills",
    ("get", "/api/v1/ledger"): "list_ledger_lines",
    ("get", "/api/v1/statements"): "get_statement",
    ("get", "/api/v1/audit/events"): "list_events",
    ("get", "/api/v1/audit/replay"): "get_replay",
    ("get", "/api/v1/audit/replay/steps"): "list_replay_steps",
    ("get", "/api/v1/audit/replay/prices"): "get_replay_prices",
    ("get", "/api/v1/audit/replay/command"): "get_replay_command",
    ("get", "/api/v1/audit/replay/bundle"): "get_replay_bundle",
    ("get", "/api/v1/commands/{command_id}"): "get_command",
    ("get", "/api/v1/receipts/{event_id}"): "get_receipt",
    ("get", "/api/v1/receipts/{event_id}/closings"): "list_tick_closings",
    ("get", "/api/v1/admin/rules"): "get_rules",
    ("post", "/api/v1/admin/rules"): "activate_rules",
    ("get", "/api/v1/admin/instruments"): "list_parameters",
    ("post", "/api/v1/admin/instruments"): "define_instrument",
    ("post", "/api/v1/admin/clock"): "set_clock",
    ("post", "/api/v1/admin/account-limits"): "set_account_limits",
    ("patch", "/api/v1/admin/instruments/{symbol}"): "change_parameters",
    ("post", "/api/v1/admin/instruments/{symbol}/status"): "set_market_status",
    ("get", "/api/v1/admin/broadcasts"): "list_broadcasts",
    ("get", "/api/v1/admin/broadcasts/{name}"): "get_broadcast",
    ("get", "/api/v1/admin/exposure"): "get_exposure",
    ("get", "/api/v1/admin/liquidations"): "get_liquidation_ladder",
    ("get", "/api/v1/admin/insurance-fund"): "get_insurance_fund",
    ("get", "/api/v1/admin/accounts"): "list_accounts",
    ("get", "/api/v1/admin/feed"): "get_feed",
    ("get", "/api/v1/admin/lag"): "get_lag",
    ("post", "/api/v1/admin/accounts/{account_id}/deposits"): "deposit_into_account",
    ("post", "/api/v1/admin/accounts/{account_id}/withdrawals"): "withdraw_from_account",
    ("get", "/api/v1/admin/transfers"): "list_transfers",
    ("get", "/api/v1/admin/transfers/{transfer_id}"): "get_transfer",
    ("post", "/api/v1/admin/transfers/{transfer_id}/approve"): "approve_transfer",
    ("post", "/api/v1/admin/transfers/{transfer_id}/reject"): "reject_transfer",
    ("post", "/api/v1/withdrawals"): "request_withdrawal",
    ("get", "/api/v1/withdrawals"): "list_withdrawals",
    ("get", "/api/v1/withdrawals/{transfer_id}"): "get_withdrawal",
    ("post", "/api/v1/ws-ticket"): "make_ws_ticket",
    ("post", "/api/v1/demo/deposit"): "deposit",
    ("get", "/healthz"): "healthz",
    ("get", "/readyz"): "readyz",
    ("get", "/metrics"): "metrics",
}
GOLDEN = Path(__file__).parents[1] / "golden" / "openapi"
PUBLIC = (
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
    "/instruments",
    "/tickers",
    "/candles",
    "/healthz",
    "/readyz",
)
# The screen's pages and files; where the documents are and what leads to them; and what OpenAPI has no words for.
UNDOCUMENTED = {
    *(("get", path) for path in (*NAMED, "/trade/{symbol}", "/positions/{position_id}", "/static/{name}")),
    *(("get", path) for path in ("/docs", "/docs/oauth2-redirect", "/docs/problems", "/docs/assets/{name}")),
    *(("get", path) for path in ("/openapi.json", "/api/compat/openapi.json")),
    *(("websocket", "/"), ("websocket", "/api/v1/ws")),
}
# Monitoring requests these, or they return no data.
UNCOUNTED = {("get", path) for path in ("/healthz", "/readyz", "/health")}
# Their body, or whether anybody is signed in, decides the bucket: tests of their own see them count.
COUNTED_LATER = {
    *(("post", "/api/v1/engine"), ("post", "/api/trading/orders")),
    *(("get", "/api/v1/state"), ("post", "/api/v1/positions/open"), ("post", "/api/v1/positions/close")),
}


@pytest.fixture(scope="module")
def routes(exchange: Exchange) -> Iterator[dict[tuple[str, str], list[RouteContext]]]:
    """Every route of the application, by method and path: the first of each is the one that answers."""
    secret = exchange.settings.jwt_secret
    assert secret is not None
    state = build(exchange.settings, secret)
    found: dict[tuple[str, str], list[RouteContext]] = {}
    for route in iter_route_contexts(create_app(state).routes):
        for method in (route.methods or {"WEBSOCKET"}) - {"HEAD"}:
            found.setdefault((method.lower(), str(route.path_format)), []).append(route)
    yield found
    state.database.close()


@pytest.fixture(scope="module")
def document(exchange: Exchange) -> dict[str, Any]:
    read: dict[str, Any] = exchange.http.get("/openapi.json").json()
    return read


@pytest.mark.parametrize(
    ("path", "golden"), [("/openapi.json", "api.json"), ("/api/compat/openapi.json", "seeds.json")]
)
def test_the_openapi_documents_are_byte_for_byte_the_golden_files(exchange: Exchange, path: str, golden: str) -> None:
    """A diff of the golden file shows what a change means for them; it is written anew where that is meant."""
    released = json.loads((GOLDEN / golden).read_text(encoding="utf-8"))
    assert exchange.http.get(path).text == json.dumps(released, ensure_ascii=False, separators=(",", ":"))


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): item for path, methods in document["paths"].items() for method, item in methods.items()}


def test_the_operations_and_their_ids_are_those_of_the_design(document: dict[str, Any]) -> None:
    assert {place: item["operationId"] for place, item in operations(document).items()} == OPERATIONS


def test_every_route_is_documented_or_listed_as_undocumented(
    exchange: Exchange, document: dict[str, Any], routes: dict[tuple[str, str], list[RouteContext]]
) -> None:
    seeds = operations(exchange.http.get("/api/compat/openapi.json").json())
    assert routes.keys() - operations(document).keys() - seeds.keys() == UNDOCUMENTED
    assert operations(document).keys() | seeds.keys() <= routes.keys()
    both = operations(document).keys() & seeds.keys()
    assert both == {place for place, serving in routes.items() if len(serving) > 1}


def test_every_route_is_rate_limited_or_listed_as_unlimited(
    routes: dict[tuple[str, str], list[RouteContext]],
) -> None:
    uncounted = {place for place, serving in routes.items() if not all(is_limited(route) for route in serving)}
    assert uncounted == UNDOCUMENTED | UNCOUNTED | COUNTED_LATER


def test_every_private_operation_names_its_security_schemes(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"password", "bearer", "session", "signature"}
    assert schemes["password"]["flows"]["password"]["tokenUrl"] == "/api/v1/auth/login"
    for (_, path), item in operations(document).items():
        is_public = path.endswith(PUBLIC) and "/admin/" not in path
        assert ("security" in item) == (not is_public), path


def test_every_reference_in_the_openapi_document_resolves(document: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        return [found for value in part for found in references(value)] if isinstance(part, list) else []

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_every_error_is_declared_as_a_problem_of_the_registry(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(REGISTRY)
    assert "HTTPValidationError" not in json.dumps(document)
    for place, item in operations(document).items():
        for status, response in item["responses"].items():
            if int(status) < 400 or place[1] == "/readyz":
                continue
            [(media_type, content)] = response["content"].items()
            assert media_type == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in content["examples"].items():
                assert example["value"]["status"] == int(status)
                assert code in REGISTRY


def test_an_order_has_no_field_the_core_cannot_execute_yet(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["OrderRequest"]
    assert set(schema["properties"]) == {
        *("symbol", "side", "type", "margin", "quantity", "leverage", "stop_loss", "take_profit"),
        *("slippage_bps", "expected_price", "client_order_id"),
    }
    assert schema["additionalProperties"] is False
    assert schema["properties"]["type"]["const"] == "market"


def test_the_docs_are_served_and_the_root_names_them_whether_the_screen_is_built_or_not(exchange: Exchange) -> None:
    assert "/docs" in exchange.http.get("/").text
    assert "openapi.json" in exchange.http.get("/docs").text
    page = exchange.http.get("/docs/problems").text
    assert all(f'id="{code}"' in page for code in REGISTRY)


def test_replies_conform_to_their_declared_schemas(exchange: Exchange, document: dict[str, Any]) -> None:
    user = exchange.new_user()
    order = user.opened(stop_loss="49000")
    replies: list[tuple[str, str, httpx.Response]] = [
        ("post", "/api/v1/orders", user.order()),
        ("get", "/api/v1/orders/{order_id}", user.http.get(f"/orders/{order['order_id']}")),
        ("get", "/api/v1/positions", user.http.get("/positions")),
        ("get", "/api/v1/positions/{position_id}", user.http.get(f"/positions/{order['position_id']}")),
        ("post", "/api/v1/positions/{position_id}/close", user.close(order["position_id"])),
        ("get", "/api/v1/account", user.http.get("/account")),
        ("get", "/api/v1/fills", user.http.get("/fills")),
        ("get", "/api/v1/ledger", user.http.get("/ledger")),
        ("get", "/api/v1/commands/{command_id}", user.http.get(f"/commands/{order['command_id']}")),
        ("get", "/api/v1/tickers", user.http.get("/tickers")),
        ("get", "/api/v1/instruments", user.http.get("/instruments")),
        ("get", "/api/v1/candles", user.http.get("/candles?symbol=BTC_USDC")),
        ("post", "/api/v1/orders", user.order(leverage="101")),
        ("post", "/api/v1/orders", user.order(leverage="x")),
        ("post", "/api/v1/demo/deposit", user.http.post("/demo/deposit", json={"amount": 1})),
    ]
    for method, path, reply in replies:
        declared = document["paths"][path][method]["responses"][str(reply.status_code)]
        content = declared["content"][reply.headers["content-type"]]
        schema = {"components": document["components"], **content["schema"]}
        jsonschema.validate(reply.json(), schema)


@pytest.mark.usefixtures("replaying")
def test_replies_to_a_sample_of_generated_requests_conform_to_the_openapi_document(exchange: Exchange) -> None:
    """The whole of it, by all callers, is test_schema_judge.py, which is slow."""
    run = judged(exchange, exchange.new_user().token, "--max-examples", "1", "--phases", "examples,fuzzing")
    assert run.returncode == 0, report_of(run)


def test_every_private_read_of_the_ledger_takes_a_ledger_position(document: dict[str, Any]) -> None:
    reads = [
        (path, {parameter["name"] for parameter in item.get("parameters", ())})
        for (method, path), item in operations(document).items()
        if method == "get" and "security" in item and "/admin/" not in path and "/auth/" not in path
    ]
    # Keys, withdrawals and the venue are no part of it, a replay reads the log itself, and counts are no ledger.
    others = ("-keys", "withdrawals", "/venue", "/audit/replay", "/metrics")
    of_the_ledger = [(path, names) for path, names in reads if not any(other in path for other in others)]
    assert len(of_the_ledger) >= 11
    assert [path for path, names in of_the_ledger if "ledger-position" not in names] == []


def test_every_operation_declares_its_rate_limit_and_the_refusal_beyond_the_limit(document: dict[str, Any]) -> None:
    for (_, path), item in operations(document).items():
        if path.startswith("/api/v1/"):
            refusal = item["responses"]["429"]
            assert "RATE_LIMITED" in refusal["content"]["application/problem+json"]["examples"], path
            assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(refusal["headers"]), path
