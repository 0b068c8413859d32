"""Every route that takes or returns a secret is called once with good and bad input, and the secrets are collected."""

import base64
import json
import time
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from api.dispatch.read_your_writes import POSITION_COOKIE
from tests.api.exchange import PASSWORD

IN_A_QUERY: Final = "in-the-query"
WRONG: Final = "a wrong password"
HIDDEN: Final = {"hidden": IN_A_QUERY}
WAIT_S: Final = 10.0


class Driven:
    """One newcomer at an API. secrets: what no log may hold."""

    def __init__(self, url: str) -> None:
        self.secrets: list[str] = [PASSWORD, WRONG, IN_A_QUERY]
        self._url = url
        self._page = httpx.Client(base_url=f"{url}/api/v1", params=HIDDEN, timeout=WAIT_S)

    def close(self) -> None:
        self._page.close()

    def users_and_keys(self) -> None:
        """Everything of `auth` and `api-keys`."""
        email, name = self._made("{}@example.com"), self._made("Name-{}")
        credentials = {"email": email, "password": PASSWORD}
        self._sent("POST", "/auth/register", json=credentials | {"name": name})
        self._sent("POST", "/auth/register", json=credentials)
        self._sent("POST", "/auth/register", json={"email": email, "password": {"nested": PASSWORD}})
        self._sent("POST", "/auth/login", json={"email": email, "password": WRONG})
        self._sent("POST", "/auth/login", data={"username": email, "password": PASSWORD})
        self._sent("GET", "/auth/me", headers={"Authorization": f"Bearer a.wrong.token-{IN_A_QUERY}"})
        assert self._sent("GET", "/auth/sessions").status_code == 200
        self._sent("DELETE", f"/auth/sessions/{uuid4()}")
        new = self._made("a new password {}")
        for old, wanted in ((WRONG, new), (PASSWORD, new), (new, PASSWORD)):
            self._sent("POST", "/auth/password", json={"password": old, "new_password": wanted})
        key_id = self._key(name)
        used = self._page.cookies["refresh"]
        for method, path in (
            *(("GET", "/api-keys"), ("GET", f"/api-keys/{key_id}"), ("DELETE", f"/api-keys/{key_id}")),
            *(("GET", "/auth/me"), ("POST", "/auth/refresh"), ("POST", "/auth/refresh"), ("POST", "/auth/logout")),
        ):
            assert self._sent(method, path).status_code < 300, path
        self._sent("POST", "/auth/refresh", headers={"Cookie": f"refresh={used}"})
        for method, path in (("POST", "/auth/logout-everywhere"), ("DELETE", "/auth/me")):
            self._sent("POST", "/auth/login", json=credentials)
            assert self._sent(method, path).status_code < 300, path

    def sockets(self) -> None:
        """The WebSocket, by a WebSocket ticket in its address, by a token, and by wrong ones."""
        credentials = {"email": self._made("{}@example.com"), "password": PASSWORD}
        self._sent("POST", "/auth/register", json=credentials)
        token = self._sent("POST", "/auth/login", json=credentials).json()["access_token"]
        tickets = [self._sent("POST", "/ws-ticket").json()["ticket"] for _ in range(2)]
        wrong = self._made("{}")
        self.secrets += tickets
        for ticket in (tickets[0], tickets[0], wrong):
            assert self._heard(f"/api/v1/ws?ticket={ticket}")
        assert self._heard(f"/api/v1/ws?token={wrong}", op="ping", id="1")
        for proof in ({"token": token}, {"ticket": tickets[1]}, {"ticket": wrong}, {"token": wrong}):
            assert self._heard("/api/v1/ws", op="auth", id="1", **proof)

    def seeds_and_venue(self) -> None:
        """The seeds' way in with a venue's keys, the keys' own route, and the socket with the token in its address."""
        keys = {"binanceApiKey": self._made("key{}"), "binanceSecretKey": self._made("secret{}")}
        body = {"email": self._made("{}@example.com"), "password": PASSWORD, **keys}
        with httpx.Client(base_url=self._url, params=HIDDEN, timeout=WAIT_S) as page:
            registered = page.post("/auth/register", json=body)
            assert registered.status_code == 201, registered.text
            token = registered.json()["token"]
            self.secrets += [token, *_of_sessions(page)]
            half = {**body, "email": self._made("{}@example.com"), "binanceSecretKey": None}
            assert page.post("/auth/register", json=half).status_code == 422
            assert page.post("/auth/login", json={**body, "password": WRONG}).status_code == 401
            page.headers["Authorization"] = f"Bearer {token}"
            for wanted in ({"api_key": self._made("key{}"), "secret_key": self._made("secret{}")}, {"api_key": 1}):
                page.put("/api/v1/venue-keys", json=wanted)
            assert page.get("/api/v1/venue-keys").json() == {"stored": True}
            assert page.delete("/api/v1/venue-keys").status_code == 204
        assert self._heard(f"/?token={token}")
        with pytest.raises(InvalidStatus, match="401"):
            self._heard(f"/?token={self._made('{}')}")

    def _key(self, name: str) -> str:
        """Store an API key, and sign something else with it; its id."""
        private = Ed25519PrivateKey.generate()
        public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
        made = self._sent("POST", "/api-keys", json={"public_key": public, "scopes": ["read"], "name": name}).json()
        signature = base64.b64encode(private.sign(b"something else")).decode()
        self.secrets += [public, public[:40], signature]
        times = {"X-Timestamp": str(time.time_ns() // 1_000_000), "X-Nonce": self._made("{}")}
        with httpx.Client(base_url=self._page.base_url) as program:
            signed = {"X-Api-Key": made["id"], "X-Signature": signature} | times
            refused = program.get("/positions", params=HIDDEN, headers=signed)
        assert (refused.status_code, refused.json()["code"]) == (401, "SIGNATURE_INVALID")
        key_id: str = made["id"]
        return key_id

    def _made(self, form: str) -> str:
        """A unique text, which is a secret."""
        self.secrets.append(form.format(uuid4().hex))
        return self.secrets[-1]

    def _sent(self, method: str, path: str, **options: Any) -> httpx.Response:
        reply = self._page.request(method, path, **options)
        self.secrets += _of_sessions(self._page)
        if "access_token" in reply.text:
            self.secrets.append(reply.json()["access_token"])
        return reply

    def _heard(self, resource: str, **said: str) -> list[Any]:
        """The first message of a socket, or its messages until it is closed."""
        heard = []
        with connect(self._url.replace("http", "ws", 1) + resource, proxy=None) as socket, suppress(ConnectionClosed):
            if said:
                socket.send(json.dumps(said))
            heard.append(json.loads(socket.recv(WAIT_S)))
        return heard


def _of_sessions(page: httpx.Client) -> list[str]:
    """What cookies hold that is secret: how far a client has seen the ledger is not."""
    return [value for name, value in page.cookies.items() if name != POSITION_COOKIE]
