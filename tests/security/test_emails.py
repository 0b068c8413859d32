"""Who registers with an email logs in with the same bytes, by whatever route; a refused registration leaves nobody."""

import itertools
from typing import Any, Final, Literal
from unicodedata import normalize
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.users.administration import account_of, add_user
from tests.api.exchange import PASSWORD, Exchange
from tests.api.outages import connections_end_at

ACUTE: Final = "\u0301"
# What is written before and after the part that makes each of them somebody else.
EMAILS: Final = {
    "a combining accent": ("jose" + ACUTE, "@example.com"),
    "a composed accent": ("jos\u00e9", "@example.org"),
    "punycode": ("ada", "@xn--bcher-kva.example"),
    "a domain in capitals of its own script": ("ada", "@B\u00dcCHER.example"),
    "a domain with a combining accent": ("ada", "@bu\u0308cher.example"),
    "a full-width dot": ("ada", "@example\uff0ecom"),
    "an ideographic dot": ("ada", "@example\u3002com"),
    "full-width letters in the domain": ("ada", "@\uff45\uff58ample.net"),
    "a sharp s": ("ada", "@stra\u00dfe.example"),
    "capitals": ("Ada.LOVELACE", "@Example.COM"),
    "a dotted capital I": ("\u0130pek", "@example.com"),
    "a Greek name that ends in sigma": ("\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3", "@example.com"),
    "full-width letters": ("\uff41da", "@example.com"),
    "a J with a caron, which is one letter only where it is small": ("J\u030co", "@example.com"),
    "a Greek iota with two marks": ("\u03aa" + ACUTE, "@example.com"),
    "many combining accents": (("e" + ACUTE) * 20, "@" + ".".join(["e" + ACUTE] * 20) + ".example"),
}
# Two hashes each, which take as long as in production.
SAMPLE: Final = ("a combining accent", "punycode", "a dotted capital I")
REGISTER: Final = ("/api/v1/auth/register", "/auth/register", "/api/v1/auth/signup", "/api/v1/user/signup")
LOGIN: Final = ("/api/v1/auth/login", "/auth/login", "/api/v1/auth/signin", "/api/v1/user/signin")
# A Cyrillic letter, a full-width one, one with an accent, and one without its dot.
OWN: Final = (("paypal", "p\u0430ypal"), ("ada", "\uff41da"), ("jose", "jos\u00e9"), ("I", "\u0131"))
# Each has a small letter that is composed, and no capital.
CAPITALS: Final = ("J\u030c", "T\u0308", "\u03aa" + ACUTE)
FORMS: Final[tuple[Literal["NFC", "NFD"], ...]] = ("NFC", "NFD")
VENUE: Final = {"binanceApiKey": "a" * 64, "binanceSecretKey": "b" * 64}
Fields = dict[str, Any]


def post(exchange: Exchange, path: str, **options: Any) -> httpx.Response:
    """By a client of its own, which keeps no cookie."""
    with httpx.Client(base_url=exchange.url, timeout=20.0) as client:
        return client.post(path, **options)


def new_email(parts: tuple[str, str]) -> str:
    return f"{parts[0]}{uuid4().hex[:12]}{parts[1]}"


def emails_of(database: psycopg.Connection, mark: str) -> list[str]:
    found = database.execute("SELECT email FROM auth.users WHERE email LIKE %s", [f"%{mark}%"]).fetchall()
    return [email for (email,) in found]


def logs_in(exchange: Exchange, email: str) -> None:
    """On every route, and by OAuth2's form."""
    for path in LOGIN:
        assert post(exchange, path, json={"email": email, "password": PASSWORD}).status_code == 200, path
    form = post(exchange, LOGIN[0], data={"username": email, "password": PASSWORD})
    assert form.status_code == 200, form.text
    token = form.json()["access_token"]
    shown = exchange.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).json()["email"]
    assert post(exchange, LOGIN[0], json={"email": shown, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    ("parts", "path"), list(zip(EMAILS.values(), itertools.cycle(REGISTER), strict=False)), ids=EMAILS
)
def test_an_email_that_registers_logs_in_by_the_same_bytes_on_every_route(
    exchange: Exchange, parts: tuple[str, str], path: str
) -> None:
    email = new_email(parts)
    assert post(exchange, path, json={"email": email, "password": PASSWORD}).status_code == 201
    logs_in(exchange, email)
    for other in REGISTER:
        again = post(exchange, other, json={"email": email, "password": PASSWORD})
        assert again.json()["code"] == "EMAIL_TAKEN"


@pytest.mark.parametrize(
    "parts",
    [pytest.param(parts, marks=() if name in SAMPLE else pytest.mark.slow, id=name) for name, parts in EMAILS.items()],
)
def test_an_email_that_the_command_line_adds_logs_in_and_is_found_by_the_same_bytes(
    exchange: Exchange, parts: tuple[str, str]
) -> None:
    email = new_email(parts)
    add_user(exchange.settings, email, "user", PASSWORD)
    logs_in(exchange, email)
    assert account_of(exchange.settings.database_url, email) is not None
    add_user(exchange.settings, email, "admin", PASSWORD)
    assert post(exchange, LOGIN[0], json={"email": email, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("letter", CAPITALS)
def test_every_spelling_of_an_email_that_is_canonically_the_same_is_one_user(exchange: Exchange, letter: str) -> None:
    email = new_email((letter, "@example.com"))
    assert post(exchange, REGISTER[0], json={"email": email, "password": PASSWORD}).status_code == 201
    for form, place in itertools.product(FORMS, range(4)):
        for spelling in (normalize(form, email), normalize(form, email.lower())):
            assert post(exchange, LOGIN[place], json={"email": spelling, "password": PASSWORD}).status_code == 200
            again = post(exchange, REGISTER[place], json={"email": spelling, "password": PASSWORD})
            assert again.json()["code"] == "EMAIL_TAKEN"


@pytest.mark.parametrize("letter", CAPITALS)
def test_a_user_whom_an_earlier_version_stored_under_another_spelling_logs_in_and_is_found(
    exchange: Exchange, database: psycopg.Connection, letter: str
) -> None:
    email = new_email((letter, "@example.com"))
    add_user(exchange.settings, email, "user", PASSWORD)
    stored = normalize("NFC", email).lower()
    assert stored != normalize("NFC", stored)
    database.execute(
        "UPDATE auth.users SET email = %s WHERE email = %s RETURNING 1", [stored, normalize("NFC", stored)]
    ).fetchall()
    account = account_of(exchange.settings.database_url, email)
    for spelling in (email, stored, normalize("NFC", stored)):
        logs_in(exchange, spelling)
        assert account is not None
        assert account_of(exchange.settings.database_url, spelling) == account
        again = post(exchange, REGISTER[1], json={"email": spelling, "password": PASSWORD})
        assert again.json()["code"] == "EMAIL_TAKEN"
        add_user(exchange.settings, spelling, "user", PASSWORD)
    assert len(emails_of(database, stored.partition("@")[0][-12:])) == 1


@pytest.mark.parametrize("length", range(250, 262))
def test_an_email_of_any_length_is_refused_at_the_registration_or_logs_in(exchange: Exchange, length: int) -> None:
    """Raw it is longer than what is left of it: each accent is a character of its own."""
    domain = ".".join([("e" + ACUTE) * 36] * 3) + ".eu"
    email = f"{uuid4().hex[:12]}@{domain}"
    email = "x" * (length - len(email)) + email
    assert len(email) == length
    registered = post(exchange, REGISTER[0], json={"email": email, "password": PASSWORD})
    if registered.status_code == 201:
        logs_in(exchange, email)
    else:
        assert registered.status_code == 422, registered.text


def test_wrong_passwords_of_one_email_in_two_spellings_count_together(exchange: Exchange) -> None:
    mark = uuid4().hex[:12]
    spellings = itertools.cycle([f"jos\u00e9{mark}@example.com", f"jose{ACUTE}{mark}@example\uff0ecom"])
    assert post(exchange, REGISTER[0], json={"email": next(spellings), "password": PASSWORD}).status_code == 201
    wrong = [{"email": next(spellings), "password": "wrong"} for _ in range(12)]
    codes = [post(exchange, LOGIN[0], json=credentials).status_code for credentials in wrong]
    assert codes == [401] * 10 + [429] * 2


@pytest.mark.parametrize(("letters", "alike"), OWN)
def test_an_email_with_letters_that_look_alike_is_an_account_of_its_own(
    exchange: Exchange, letters: str, alike: str
) -> None:
    mark = uuid4().hex[:12]
    accounts = set()
    for name in (letters, alike):
        email = f"{name}{mark}@example.com"
        assert post(exchange, REGISTER[0], json={"email": email, "password": PASSWORD}).status_code == 201
        accounts.add(exchange.user(email).get("/auth/me")["account_id"])
    assert len(accounts) == 2


def with_keys(**fields: Any) -> Fields:
    return VENUE | fields


BAD: Final[dict[str, Fields]] = {
    "a key with a space": with_keys(binanceApiKey="a key"),
    "a key that is empty": with_keys(binanceApiKey=""),
    "a key of other letters": with_keys(binanceApiKey="k\u00e9y" * 8),
    "a key with a line feed": with_keys(binanceApiKey="a" * 63 + "\n"),
    "a key that is too long": with_keys(binanceApiKey="a" * 201),
    "a secret with a space": with_keys(binanceSecretKey="a secret"),
    "a secret that is empty": with_keys(binanceSecretKey=""),
    "a key without a secret": {"binanceApiKey": "a" * 64},
    "a secret without a key": {"binanceSecretKey": "b" * 64},
    "a key that is a number": with_keys(binanceApiKey=5),
    "a short password": {"password": "abc"},
    "a long name": {"name": "x" * 101},
    "a name with a NUL": {"name": "\0"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
def test_a_refused_registration_leaves_no_user(
    exchange: Exchange, database: psycopg.Connection, fields: Fields
) -> None:
    mark = uuid4().hex
    body = {"email": f"{mark}@example.com", "password": PASSWORD}
    reply = post(exchange, "/auth/register", json=body | fields)
    assert reply.status_code == 422, reply.text
    assert "set-cookie" not in reply.headers
    assert emails_of(database, mark) == []
    assert post(exchange, "/auth/register", json=body | VENUE).status_code == 201


@pytest.mark.parametrize(
    ("path", "table"),
    [
        *((path, "auth.sessions") for path in REGISTER[1:]),
        ("/auth/register", "auth.journal"),
        ("/auth/register", "auth.venue_keys"),
    ],
)
def test_a_registration_at_a_seed_s_route_of_which_a_part_is_not_stored_leaves_no_user(
    exchange: Exchange, database: psycopg.Connection, path: str, table: str
) -> None:
    mark = uuid4().hex
    body = {"email": f"{mark}@example.com", "password": PASSWORD} | (VENUE if table == "auth.venue_keys" else {})
    with connections_end_at(database, table):
        reply = post(exchange, path, json=body)
    assert (reply.status_code, reply.json()["code"]) == (503, "DATABASE_UNAVAILABLE"), reply.text
    assert "set-cookie" not in reply.headers
    assert emails_of(database, mark) == []
    again = post(exchange, path, json=body)
    assert again.status_code == 201, again.text
    bearer = {"Authorization": f"Bearer {again.json()['token']}"}
    assert post(exchange, "/api/v1/demo/deposit", json={"amount": "1"}, headers=bearer).status_code < 300
