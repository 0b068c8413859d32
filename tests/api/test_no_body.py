"""Each route that takes no body refuses one that says something, and the document says so."""

import json
from collections.abc import Iterator

import pytest

from tests.api.lone_application import LoneApplication
from tests.api.test_every_route import NOTHING_HERE

METHODS = ("patch", "post", "put")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneApplication]:
    application = LoneApplication(tmp_path_factory.mktemp("data"))
    yield application
    application.close()


def test_a_body_with_fields_is_refused_where_a_route_has_none(client: LoneApplication) -> None:
    document = client.get("/openapi.json").json()
    without = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, item in methods.items()
        if method in METHODS and "requestBody" not in item
    ]
    assert ("post", "/api/v1/admin/clock") in without
    for method, path in without:
        assert "422" in document["paths"][path][method]["responses"], path
        url = NOTHING_HERE.sub("0-1", path)
        for body in ("", "  ", "{}"):
            assert client.request(method, url, content=body).status_code != 422, path


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"time": "2020"}', "/time: is not a field of this request"),
        ('{"a": 1, "b/c": 2}', "/a: is not a field of this request; /b~1c: is not a field of this request"),
        *((body, "the body: must be empty: this request has no body") for body in ("[]", "null", "1", "{", "\\xff")),
    ],
)
def test_a_body_is_refused_by_the_names_of_its_fields(client: LoneApplication, body: str, detail: str) -> None:
    # This one is anybody's.
    reply = client.request("POST", "/api/v1/auth/refresh", content=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "MALFORMED"), reply.text
    assert reply.json()["detail"] == detail
    assert json.dumps(reply.json()["errors"])
