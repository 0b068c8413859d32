"""One address in any case is one account, whose passwords are guessed no oftener for its spellings."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.users.administration import account_of, add_user
from api.users.emails import key_of
from tests.api.exchange import PASSWORD, Exchange
from tests.security.test_emails import LOGIN, REGISTER, emails_of, logs_in, post

SIGMA, FINAL_SIGMA = "\u03c3", "\u03c2"
# Spellings of one address, which differ in case and in how their letters are composed only.
SPELLINGS: Final = {
    "a sigma": (f"u\u03b1{SIGMA}", f"u\u03b1{FINAL_SIGMA}", "U\u0391\u03a3"),
    "a final sigma": (f"u\u03b1{FINAL_SIGMA}", "u\u0391\u03a3", f"u\u03b1{SIGMA}"),
    "two sigmas": (f"{SIGMA}\u03b1{FINAL_SIGMA}.{SIGMA}", f"{FINAL_SIGMA}\u03b1{SIGMA}.{FINAL_SIGMA}"),
    "a sharp s": ("stra\u00dfe", "STRA\u1e9eE", "STRASSE"),
    "a dotted I": ("\u0130pek", "i\u0307PEK"),
    "Cherokee": ("\u13f8\uab70", "\u13f0\u13a0"),
    "a digraph": ("\u01c4a", "\u01c5a", "\u01c6A"),
    "a sign with an accent": ("a\u226e", "a<\u0338", "A\u226e"),
}


def spelled(what: str) -> list[str]:
    mark = uuid4().hex[:12]
    return [f"{mark}.{name}@example.com" for name in SPELLINGS[what]]


_ADDRESSES: Final = (f"127.8.8.{number}" for number in itertools.count(1))


def elsewhere(exchange: Exchange) -> httpx.Client:
    """A client at an address of its own, so that the limits of an address are none for what is compared here."""
    transport = httpx.HTTPTransport(local_address=next(_ADDRESSES))
    return httpx.Client(base_url=exchange.url, transport=transport, timeout=20.0)


def wrong_logins(exchange: Exchange, emails: list[str]) -> list[int]:
    """The statuses of logins with a wrong password, at each route in turn."""
    with elsewhere(exchange) as client:
        wrong = [{"email": email, "password": "wrong"} for email in emails]
        return [client.post(LOGIN[n % 4], json=credentials).status_code for n, credentials in enumerate(wrong)]


def is_taken(exchange: Exchange, email: str) -> bool:
    """Whether no route registers an email."""
    with elsewhere(exchange) as client:
        replies = [client.post(path, json={"email": email, "password": PASSWORD}) for path in REGISTER]
    return all(reply.json().get("code") == "EMAIL_TAKEN" for reply in replies)


@pytest.mark.parametrize(("what", "path"), list(zip(SPELLINGS, itertools.cycle(REGISTER), strict=False)))
def test_an_address_in_any_case_is_one_account_on_every_route(exchange: Exchange, what: str, path: str) -> None:
    spellings = spelled(what)
    assert post(exchange, path, json={"email": spellings[0], "password": PASSWORD}).status_code == 201
    account = exchange.user(spellings[0]).get("/auth/me")["account_id"]
    for spelling in (*spellings, spellings[0].upper(), spellings[-1].lower()):
        assert is_taken(exchange, spelling)
        logs_in(exchange, spelling)
        assert exchange.user(spelling).get("/auth/me")["account_id"] == account
        assert account_of(exchange.settings.database_url, spelling) == account


def test_an_address_in_any_case_is_one_account_for_the_command_line(
    exchange: Exchange, database: psycopg.Connection
) -> None:
    spellings = spelled("a sigma")
    for spelling in spellings:
        add_user(exchange.settings, spelling, "user", PASSWORD)
    assert len(emails_of(database, spellings[0][:12])) == 1
    assert all(is_taken(exchange, spelling) for spelling in spellings)


def test_spellings_of_an_address_that_register_at_once_make_one_user(
    exchange: Exchange, second: Exchange, database: psycopg.Connection
) -> None:
    for _ in range(5):
        spellings = spelled("two sigmas") * 2
        with ThreadPoolExecutor(4) as pool:
            sent = [
                pool.submit(post, to, REGISTER[0], json={"email": email, "password": PASSWORD})
                for to, email in zip(itertools.cycle((exchange, second)), sorted(spellings), strict=False)
            ]
        assert sorted(one.result().status_code for one in sent) == [201, 409, 409, 409]
        assert len(emails_of(database, spellings[0][:12])) == 1


@pytest.mark.parametrize("is_registered", [True, False], ids=["a user's", "nobody's"])
@pytest.mark.parametrize("what", SPELLINGS)
def test_wrong_passwords_of_an_address_in_any_case_count_together(
    exchange: Exchange, what: str, is_registered: bool
) -> None:
    spellings = spelled(what)
    if is_registered:
        body = {"email": spellings[0], "password": PASSWORD}
        assert post(exchange, REGISTER[0], json=body).status_code == 201
    tried = itertools.cycle([*spellings, spellings[0].upper(), f" {spellings[-1]}"])
    assert wrong_logins(exchange, list(itertools.islice(tried, 12))) == [401] * 10 + [429] * 2


def test_users_whom_earlier_versions_stored_beside_each_other_each_log_in_by_their_bytes(
    exchange: Exchange, database: psycopg.Connection
) -> None:
    older, younger, capitals = spelled("a sigma")
    add_user(exchange.settings, older, "user", PASSWORD)
    add_user(exchange.settings, "x" + younger, "user", PASSWORD)
    database.execute(
        "UPDATE auth.users SET email = %s, email_key = %s WHERE email = %s", [younger, key_of(younger), "x" + younger]
    )
    accounts = [account_of(exchange.settings.database_url, email) for email in (older, younger)]
    assert len(set(accounts)) == 2
    for email, account in zip((older, younger), accounts, strict=True):
        logs_in(exchange, email)
        assert exchange.user(email).get("/auth/me")["account_id"] == account
    # As these bytes were read before.
    assert account_of(exchange.settings.database_url, capitals) == accounts[1]
    assert all(is_taken(exchange, spelling) for spelling in (older, younger, capitals))
    # The one's logins give nobody more guesses at the other.
    assert wrong_logins(exchange, [older] * 10) == [401] * 10
    exchange.user(younger)
    assert wrong_logins(exchange, [older, younger]) == [429, 401]
