"""What holds of every route, whoever asks: HEAD, trailing slashes, bodies that are not JSON, the page of the docs.

The application alone, nothing of it started: what needs PostgreSQL answers 503.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from tests.api.lone_application import LoneApplication

NOTHING_HERE = re.compile(r"\{[^}]*\}")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneApplication]:
    application = LoneApplication(tmp_path_factory.mktemp("data"))
    yield application
    application.close()


def routes(client: LoneApplication, method: str) -> list[str]:
    found = iter_route_contexts(client.app.routes)
    return sorted(
        {NOTHING_HERE.sub("0-1", str(route.path_format)) for route in found if method in (route.methods or ())}
    )


def test_head_answers_as_get_does_without_the_body(client: LoneApplication) -> None:
    paths = routes(client, "GET")
    assert {"/healthz", "/docs", "/api/v1/instruments", "/api/v1/orders", "/balance", "/health"} <= set(paths)
    for path in paths:
        client.get(path)  # What fails once is not asked again for a while.
        asked, read = client.request("HEAD", path), client.get(path)
        assert (asked.status_code, asked.content) == (read.status_code, b""), path
        assert asked.headers.keys() == read.headers.keys(), path
    refused = client.request("HEAD", "/api/v1/auth/login")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert client.get("/api/v1/auth/login").json()["detail"] == "/api/v1/auth/login has no GET, but POST"


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/", "/api/v1/orders/", "/api/v1/instruments/", "/docs/"])
def test_a_trailing_slash_names_another_path_and_is_never_a_redirect(client: LoneApplication, path: str) -> None:
    reply = client.get(path, headers={"Host": "evil.example", "X-Forwarded-Proto": "gopher"})
    assert (reply.status_code, reply.json()["code"], reply.json()["instance"]) == (404, "NOT_FOUND", path)
    assert reply.json()["detail"] == f"There is nothing at {path}"
    assert "location" not in reply.headers


def test_the_docs_name_no_other_host_and_load_what_they_name_from_here(client: LoneApplication) -> None:
    page = client.get("/docs").text
    assert re.findall(r"(?:https?:)?//[\w-]+\.[\w.-]+", page) == []
    named = re.findall(r"""(?:src|href|url)(?:=|: )['"]([^'"]+)""", page)
    assert sorted(named) == [
        *("/docs/assets/favicon.png", "/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css"),
        "/openapi.json",
    ]
    for path in named:
        assert client.get(path).status_code == 200, path
    assert 'validatorUrl": null' in page
    style = client.get("/docs/assets/swagger-ui.css").text
    assert [url for url in re.findall(r"url\(\"?([^)]*)\)", style) if not url.startswith("data:")] == []
    assert client.get("/docs/assets/core.py").status_code == 404


def test_the_refusal_of_a_body_that_is_not_said_to_be_json_names_the_missing_header(client: LoneApplication) -> None:
    document: dict[str, Any] = client.get("/openapi.json").json()
    bodies = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, item in methods.items()
        if "requestBody" in item
    ]
    assert len(bodies) > 12
    for method, path in bodies:
        for headers in ({}, {"Content-Type": "text/plain"}):
            reply = client.request(method, NOTHING_HERE.sub("0-1", path), content="{}", headers=headers)
            assert (reply.status_code, reply.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE"), path
            assert "Content-Type: application/json" in reply.json()["detail"]
            assert "UNSUPPORTED_MEDIA_TYPE" in json.dumps(document["paths"][path][method]["responses"]["415"])
    seeds = client.request("POST", "/api/v1/trade/create", content="{}", headers={"Content-Type": "text/plain"})
    assert "Content-Type: application/json" in seeds.json()["message"]


def test_the_refusal_of_a_body_that_is_too_large_says_how_large_a_body_may_be(client: LoneApplication) -> None:
    problem = client.request("POST", "/api/v1/auth/register", content="x" * 70_000).json()
    assert problem["details"] == {"bytes_max": 65_536, "bytes_sent": 70_000}
    assert problem["detail"] == "The body has 70000 bytes, more than the 65536 bytes there may be"
