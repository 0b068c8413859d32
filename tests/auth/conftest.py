"""Fixtures of the authentication tests: the application in this process, on a real PostgreSQL and without a log."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx
import pytest
import sqlalchemy
import uvicorn

from api.app import create_app
from api.app_state import AppState
from api.credentials.passwords import Passwords
from api.main import build
from cli.database import migrate_url
from runtime.settings import Settings
from stack.ports import free_ports
from tests.conftest import new_database
from tests.processes import eventually

PASSWORD: Final = "correct horse battery"
SECRET: Final = "a-key-of-the-tests-of-at-least-32-bytes"
Ask = Callable[..., Any]
Answer = TypeVar("Answer")


class Site:
    """The application on a port of this host, served from a thread."""

    def __init__(self, state: AppState) -> None:
        [self.port] = free_ports(1)
        self.clients: list[httpx.Client] = []
        self.url = f"http://127.0.0.1:{self.port}"
        app = create_app(state)
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, log_config=None, access_log=False, lifespan="off", ws="none")
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def start(self) -> None:
        self._thread.start()
        eventually(lambda: self._server.started, bool)

    def stop(self) -> None:
        self.forget()
        self._server.should_exit = True
        self._thread.join()

    def forget(self) -> None:
        """Close every browser there was."""
        while self.clients:
            self.clients.pop().close()

    def run(self, doing: Coroutine[Any, Any, Answer]) -> Answer:
        """What the application would do, in its own loop."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(10)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve())


class Browser:
    """A client with a jar of cookies, as a page or a program has."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.url, timeout=20.0)
        site.clients.append(self.http)
        self.email = f"{uuid4().hex}@example.com"

    def register(self) -> "Browser":
        reply = self.http.post("/api/v1/auth/register", json={"email": self.email, "password": PASSWORD})
        assert reply.status_code == 201, reply.text
        return self

    def login(self) -> str:
        """Sign in, and give the access token."""
        reply = self.http.post("/api/v1/auth/login", json={"email": self.email, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        token: str = reply.json()["access_token"]
        return token

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.http.post(f"/api/v1{path}", **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", **options)

    def me(self, token: str | None = None, **headers: str) -> httpx.Response:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.get("/auth/me", headers=headers)


def settings_of(database_url: str, **fields: Any) -> Settings:
    # Nothing listens on this port: what these tests ask needs no log.
    # All of these tests' requests come from one address.
    limits = {f"rate_limit_{bucket}": "100000/second" for bucket in ("public", "reads", "orders")}
    values = limits | {"kafka_brokers": "127.0.0.1:1", "database_url": database_url, "jwt_secret": SECRET}
    return Settings.model_validate(values | fields)


@pytest.fixture(scope="session")
def auth_database(postgres: str) -> Iterator[str]:
    """A database with the tables of users."""
    with new_database(postgres) as url:
        migrate_url(url)
        yield url


@contextmanager
def served(settings: Settings, passwords: Passwords | None = None) -> Iterator[tuple[AppState, Site]]:
    """An API of these settings that is built but not started: authentication needs no log."""
    state = build(settings, SECRET)
    # Hashes that cost little, where how much they cost is not the question.
    hashing = passwords or Passwords(time_cost=1, memory_cost=1024)
    state = state._replace(credentials=state.credentials._replace(passwords=hashing))
    site = Site(state)
    site.start()
    try:
        yield state, site
    finally:
        site.stop()
        state.database.close()


@pytest.fixture(scope="session")
def served_site(auth_database: str) -> Iterator[tuple[AppState, Site]]:
    with served(settings_of(auth_database)) as running:
        yield running


@pytest.fixture
def state(served_site: tuple[AppState, Site]) -> AppState:
    return served_site[0]


@pytest.fixture
def site(served_site: tuple[AppState, Site]) -> Site:
    return served_site[1]


@pytest.fixture
def browser(site: Site) -> Iterator[Browser]:
    """A user who is registered and not logged in."""
    yield Browser(site).register()
    site.forget()


@pytest.fixture
def sql(auth_database: str) -> Iterator[Ask]:
    """A question to the database, with parameters by name."""
    engine = sqlalchemy.create_engine(auth_database)

    def ask(text: str, **values: Any) -> Any:
        with engine.begin() as db:
            found = db.execute(sqlalchemy.text(text), values)
            return found.all() if found.returns_rows else None

    with ExitStack() as stack:
        stack.callback(engine.dispose)
        yield ask


def refused(reply: httpx.Response, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
