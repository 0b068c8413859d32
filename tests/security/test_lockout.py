"""Wrong passwords from anywhere do not keep the owner out: an address or device that signed in before gets in."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.credentials.throttle import ACCOUNT_FAILURES_MAX, ADDRESS_FAILURES_MAX
from api.store.migrate import migrate
from stack.ports import LOOPBACK, free_ports
from tests.api.exchange import PASSWORD, Exchange, service

ROUTES: Final = ("/api/v1/auth/login", "/auth/login", "/api/v1/auth/signin", "/api/v1/user/signin")
HOME: Final = "198.51.100.7"
ELSEWHERE: Final = "203.0.113.9"
_NETWORKS: Final = count(1)
_CLIENTS: Final[list[httpx.Client]] = []


@pytest.fixture(scope="module")
def behind(exchange: Exchange) -> Iterator[Exchange]:
    """A second API, behind a proxy on this machine that is named."""
    settings = exchange.settings.model_copy(update={"port": free_ports(1)[0], "trusted_proxies": LOOPBACK})
    with service("api", settings, exchange.folder) as api:
        running = Exchange(settings, exchange.folder)
        running.until_ready(api)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Every client there was is closed."""
    yield
    while _CLIENTS:
        _CLIENTS.pop().close()


class Person:
    """Somebody at an address, with a jar of cookies."""

    def __init__(self, place: Exchange, address: str) -> None:
        self.http = httpx.Client(base_url=place.url, headers={"X-Forwarded-For": address}, timeout=20.0)
        _CLIENTS.append(self.http)

    def login(self, email: str, password: str = PASSWORD, path: str = ROUTES[0]) -> int:
        return self.http.post(path, json={"email": email, "password": password}).status_code

    def moves_to(self, address: str) -> None:
        self.http.headers["X-Forwarded-For"] = address


def new_email(place: Exchange) -> str:
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "password": PASSWORD}
    reply = Person(place, "192.0.2.1").http.post("/api/v1/auth/register", json=body)
    assert reply.status_code == 201, reply.text
    return email


def attack(place: Exchange, email: str, address: str | None = None) -> None:
    """Guess until nobody unknown gets in: each guess from another network, or all from one address."""
    for _ in range(ACCOUNT_FAILURES_MAX + 2):
        Person(place, address or f"2001:db8:{next(_NETWORKS):x}::1").login(email, "wrong password")
    assert Person(place, "203.0.113.200").login(email) == 429


@pytest.mark.parametrize("path", ROUTES)
def test_an_address_that_signed_in_before_gets_in_amid_wrong_passwords_from_elsewhere(
    behind: Exchange, path: str
) -> None:
    email = new_email(behind)
    assert Person(behind, HOME).login(email, path=path) == 200
    for _ in range(2):
        attack(behind, email)
        assert Person(behind, HOME).login(email, path=path) == 200
    assert Person(behind, ELSEWHERE).login(email, path=path) == 429


@pytest.mark.parametrize("path", ROUTES)
def test_a_device_that_signed_in_before_gets_in_from_a_new_address_also_after_a_logout(
    behind: Exchange, path: str
) -> None:
    email = new_email(behind)
    phone = Person(behind, HOME)
    assert phone.login(email, path=path) == 200
    attack(behind, email)
    phone.moves_to(f"203.0.113.{next(_NETWORKS)}")
    assert phone.login(email, path=path) == 200
    assert phone.http.post("/api/v1/auth/logout").status_code == 204
    attack(behind, email)
    phone.moves_to("2001:db8:ffff::5")
    assert phone.login(email, path=path) == 200


def test_a_device_gets_in_where_its_address_has_guessed_too_often(behind: Exchange) -> None:
    email, address = new_email(behind), "192.0.2.77"
    phone = Person(behind, address)
    assert phone.login(email) == 200
    guesser = Person(behind, address)
    for _ in range(ADDRESS_FAILURES_MAX + 1):
        guesser.login(f"{uuid4().hex}@example.com", "wrong password")
    assert guesser.login(new_email(behind)) == 429
    assert phone.login(email) == 200


def test_a_known_address_and_a_known_device_have_ten_guesses_too(behind: Exchange) -> None:
    email = new_email(behind)
    phone = Person(behind, HOME)
    assert phone.login(email) == 200
    wrong = [phone.login(email, "wrong password") for _ in range(ACCOUNT_FAILURES_MAX + 1)]
    assert wrong == [401] * ACCOUNT_FAILURES_MAX + [429]
    assert phone.login(email) == 429
    neighbour = Person(behind, HOME)
    wrong = [neighbour.login(email, "wrong password") for _ in range(ACCOUNT_FAILURES_MAX + 1)]
    assert wrong == [401] * ACCOUNT_FAILURES_MAX + [429]


def test_a_device_of_one_user_is_unknown_to_another_user_and_a_forged_one_to_all(behind: Exchange) -> None:
    owner, thief = new_email(behind), new_email(behind)
    other = Person(behind, ELSEWHERE)
    assert other.login(thief) == 200
    attack(behind, owner)
    assert other.login(owner) == 429
    assert Person(behind, HOME).login(thief) == 200  # It is a new address of theirs.
    forged = Person(behind, "203.0.113.88")
    for value in ("x", "", str(uuid4()), other.http.cookies["device"][:-2], other.http.cookies["session"], "\u00e9"):
        sent = [(b"Cookie", f"device={value}".encode())]
        reply = forged.http.post(ROUTES[0], json={"email": owner, "password": PASSWORD}, headers=sent)
        assert reply.status_code == 429, value
    reply = forged.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {other.http.cookies['device']}"})
    assert reply.status_code == 401


def test_addresses_of_one_ipv6_network_of_64_bits_count_as_one(behind: Exchange) -> None:
    email = new_email(behind)
    network = f"2001:db8:aaaa:{next(_NETWORKS):x}"
    assert Person(behind, f"{network}::1").login(email) == 200
    attack(behind, email)
    assert Person(behind, f"{network}:ffff::2").login(email) == 200
    assert Person(behind, f"2001:db8:aaab:{next(_NETWORKS):x}::1").login(email) == 429


def test_guesses_of_many_emails_from_one_ipv6_network_are_bounded(behind: Exchange) -> None:
    network = f"2001:db8:bbbb:{next(_NETWORKS):x}"
    codes = [
        Person(behind, f"{network}::{host:x}").login(f"{uuid4().hex}@example.com", "wrong password")
        for host in range(1, ADDRESS_FAILURES_MAX + 3)
    ]
    assert codes == [401] * ADDRESS_FAILURES_MAX + [429] * 2
    assert Person(behind, f"::ffff:{ELSEWHERE}").login(new_email(behind)) == 200


def test_a_forwarded_address_is_believed_from_no_peer_that_is_not_named(exchange: Exchange, behind: Exchange) -> None:
    assert exchange.settings.trusted_proxies == ""
    email = new_email(exchange)
    assert Person(exchange, HOME).login(email) == 200
    with_header = [Person(exchange, f"198.18.0.{host}").login(email, "wrong password") for host in range(11)]
    assert with_header == [401] * 10 + [429]  # All are from this machine, which has signed in before.
    shown = Person(behind, HOME)
    assert shown.login(email) == 200
    assert shown.http.get("/api/v1/auth/sessions").json()["items"][0]["network"] == "198.51.100.0/24"
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=behind.url, transport=elsewhere, headers={"X-Forwarded-For": HOME}) as client:
        reply = client.post(ROUTES[0], json={"email": email, "password": PASSWORD})
        assert reply.status_code == 200
        assert client.get("/api/v1/auth/sessions").json()["items"][0]["network"] == "127.0.0.0/24"


def test_an_address_is_stored_so_that_nobody_reads_it_and_gone_with_its_user(
    behind: Exchange, database: psycopg.Connection
) -> None:
    email = new_email(behind)
    person = Person(behind, HOME)
    assert person.login(email) == 200
    user_id = person.http.get("/api/v1/auth/me").json()["id"]
    query = b"SELECT k::text FROM auth.known_addresses k WHERE user_id = %s"
    rows: list[Any] = database.execute(query, [user_id]).fetchall()
    assert len(rows) == 1
    assert HOME not in str(rows)
    assert person.http.delete("/api/v1/auth/me").status_code == 202
    assert database.execute(query, [user_id]).fetchall() == []
    assert "device" not in person.http.cookies


def test_a_database_of_the_version_before_knows_addresses_after_its_migration(database_url: str) -> None:
    migrate(database_url, "0013")
    url = database_url.replace("+psycopg", "")
    user = [str(uuid4()), f"{uuid4().hex}@example.com", str(uuid4())]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO auth.users (user_id, email, password_hash, account_id) VALUES (%s, %s, 'x', %s)", user
        )
        migrate(database_url)
        assert connection.execute("SELECT count(*) FROM auth.users").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM auth.known_addresses").fetchone() == (0,)
