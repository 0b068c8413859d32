"""Requests are counted by route: however many paths a client makes up, the counters of the API do not grow."""

import re
from uuid import uuid4

import httpx

from api.app_state import AppState
from tests.auth.conftest import Browser, Site


def routes_of(state: AppState) -> set[str]:
    """Give the routes that requests were counted by."""
    return set(re.findall(r'route="([^"]*)"', state.metrics.page().decode()))


def test_paths_that_a_client_makes_up_make_no_counters(state: AppState, site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        client.get("/static/x/y")
        client.get("/api/v1/candles/x")
        before = routes_of(state)
        for _ in range(20):
            name = uuid4().hex
            for path in (
                *(f"/static/{name}/y", f"/static/a/{name}/b/{name}", f"/static/{name}%2F{name}", f"/{name}"),
                *(f"/api/v1/{name}", f"/api/v1/candles/{name}", f"/docs/{name}/{name}", f"/static/{{{name}}}"),
            ):
                client.get(path)
    assert not [route for route in routes_of(state) if re.search("[0-9a-f]{32}", route)]
    assert len(routes_of(state) - before) <= 3


def test_a_request_is_counted_by_the_names_of_its_parameters(state: AppState, browser: Browser) -> None:
    token = browser.login()
    browser.get("/alerts/alerts", headers={"Authorization": f"Bearer {token}"})
    browser.get("/alerts", headers={"Authorization": f"Bearer {token}"})
    assert {"/api/v1/alerts/{alert_id}", "/api/v1/alerts"} <= routes_of(state)
