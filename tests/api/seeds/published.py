"""What the seeds' published clients sent is sent again, in its order, and what comes of it is checked."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx

from tests.api.seeds.entries import seed
from tests.api.seeds.market import Figures, Market
from tests.api.seeds.readme import change, check, wanted, within

FOLDER: Final = Path(__file__).parent
LOG: Final = FOLDER / "data" / "published_requests.jsonl"
ENTRIES: Final = FOLDER / "published.toml"
ASKED_BEFORE: Final = "content-type,x-requested-with"  # what a page's library adds, so that a browser asks first


class Page(NamedTuple):
    """Where a client's page is served, and whether it keeps its token itself; one that does not has a cookie."""

    origin: str
    keeps_token: bool


class PublishedRequest(NamedTuple):
    """A request of the log. meant: what the person at that screen wanted; here: what comes of it.

    reply: JSON schema; price: what the feed plays before; ledger: what must have changed; take: a name for later.
    """

    client: str
    method: str
    port: int
    path: str
    body: dict[str, Any] | None
    meant: str
    here: str
    status: int
    reply: dict[str, Any]
    price: dict[str, str]
    ledger: dict[str, Any]
    take: dict[str, str]


def published_requests() -> list[PublishedRequest]:
    """Read the log, and beside each of its lines the entry of that place."""
    log = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    entries = tomllib.loads(ENTRIES.read_text(encoding="utf-8"))["request"]
    return [
        PublishedRequest(
            **sent,
            meant=entry["meant"],
            here=entry["here"],
            status=entry["status"],
            reply=json.loads(entry["reply"]),
            price=entry.get("price", {}),
            ledger=entry.get("ledger", {}),
            take=entry.get("take", {}),
        )
        for sent, entry in zip(log, entries, strict=True)
    ]


def pages() -> dict[str, Page]:
    """Give the pages, by client."""
    read: dict[str, dict[str, Any]] = tomllib.loads(ENTRIES.read_text(encoding="utf-8"))["page"]
    return {client: Page(**page) for client, page in read.items()}


def run_published_requests(market: Market, origin: Callable[[int], str] | None = None) -> None:
    """Send the whole log in its order, each client from a browser of its own. origin: where a port of the log is."""
    market.http.get("/api/v1/state")  # The shared account is there from its first visitor on.
    browsers = {client: Browser(market, page) for client, page in pages().items()}
    for request in published_requests():
        for symbol, ask in request.price.items():
            market.at(symbol, ask)
        browsers[request.client].send(request, market.url if origin is None else origin(request.port))


class Browser:
    """A browser with one client's page."""

    def __init__(self, market: Market, page: Page) -> None:
        self._market = market
        self._page = page
        self._http = market.client()
        self._token: str | None = None
        self._account = seed("004").requests[0].account or ""  # which all share who do not sign in
        self._emails: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def send(self, request: PublishedRequest, url: str) -> None:
        """Send one request as its page does, and look at its reply and at the ledger."""
        before = self._figures()
        headers = self._headers(url)
        if request.body is not None:
            self._ask_first(request, url, headers["Origin"])
        reply = self._http.request(
            request.method,
            url + request.path.replace("{id}", self._names.get("id", "")),
            json=self._body(request),
            headers=headers,
        )
        what = f"{request.client}: {request.method} {request.path} {request.body}"
        assert reply.status_code == request.status, f"{what}: {reply.text}"
        assert reply.headers["Access-Control-Allow-Origin"] in (headers["Origin"], "*"), what
        found = reply.json()
        check(found, request.reply, self._names, what)
        self._names |= {name: str(within(found, path)) for name, path in request.take.items()}
        if isinstance(found, dict) and "token" in found:
            self._sign_in(found["token"])
            before = self._figures()
        changed = change(before, self._figures())
        assert changed == wanted(request.ledger), f"{what}: {changed}"

    def _headers(self, url: str) -> dict[str, str]:
        is_same = httpx.URL(self._page.origin).host == httpx.URL(url).host
        headers = {"Origin": self._page.origin, "Sec-Fetch-Site": "same-site" if is_same else "cross-site"}
        if self._page.keeps_token:
            # Such a page has its requests sent without cookies, and what an answer sets is not kept.
            self._http.cookies.clear()
            if self._token is not None:
                headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _ask_first(self, request: PublishedRequest, url: str, origin: str) -> None:
        """Ask whether the page may, as a browser does before it sends JSON."""
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": request.method,
            "Access-Control-Request-Headers": ASKED_BEFORE,
        }
        answered = httpx.options(url + request.path, headers=asked)
        assert answered.status_code == 200, answered.text
        assert answered.headers["Access-Control-Allow-Origin"] in (origin, "*")

    def _body(self, request: PublishedRequest) -> dict[str, Any] | None:
        """Give the body, with an address of the person's own and the id of an answer before."""
        if request.body is None:
            return None
        body = {name: self._names["id"] if value == "{id}" else value for name, value in request.body.items()}
        if "email" in body:
            body["email"] = self._emails.setdefault(body["password"], f"{uuid4().hex}@example.com")
        return body

    def _sign_in(self, token: str) -> None:
        self._token = token
        me = httpx.get(f"{self._market.url}/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        self._account = me.json()["account_id"]

    def _figures(self) -> Figures:
        self._market.until_projected()
        return self._market.figures(self._account)
