"""An auditor reads what an administrator reads, and writes nothing: route by route of the published document."""

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
import sqlalchemy

from api.app import create_app
from api.app_state import AppState
from api.auth.caller import is_auditors_own
from api.store.migrate import migrate
from cli.database import migrate_url
from tests.auth.conftest import Browser, Site

SIGNED_OUT = {"register", "login", "refresh", "logout"}


def operations(state: AppState) -> Iterator[tuple[str, str, str]]:
    """Give method, path and name of every operation that asks who the caller is."""
    document = create_app(state).openapi()
    for template, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if operation.get("security") and operation["operationId"] not in SIGNED_OUT:
                yield method.upper(), re.sub(r"\{\w+\}", "0-1", template), operation["operationId"]


def signed_in(site: Site, database_url: str, role: str) -> Browser:
    """Give a browser of a user with this role."""
    browser = Browser(site).register()
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as db:
        change = sqlalchemy.text("UPDATE auth.users SET role = :role, account_opened = true WHERE email = :email")
        db.execute(change, {"role": role, "email": browser.email})
    engine.dispose()
    browser.login()
    return browser


def code_of(reply: httpx.Response) -> str:
    return str(reply.json().get("code")) if "json" in reply.headers.get("content-type", "") else ""


@pytest.fixture
def roles(served_site: tuple[AppState, Site], auth_database: str) -> dict[str, Browser]:
    return {role: signed_in(served_site[1], auth_database, role) for role in ("user", "auditor", "admin")}


def test_an_auditor_reads_every_route_of_administrators_and_a_user_reads_none(
    served_site: tuple[AppState, Site], roles: dict[str, Browser]
) -> None:
    reads = [path for method, path, _ in operations(served_site[0]) if method == "GET" and "/admin/" in path]
    assert len(reads) >= 8
    for path in reads:
        by_role = {role: browser.http.get(path) for role, browser in roles.items()}
        assert (by_role["user"].status_code, code_of(by_role["user"])) == (403, "FORBIDDEN"), path
        # Without a log some have nothing to say, to either.
        assert by_role["auditor"].status_code == by_role["admin"].status_code not in {401, 403}, path


def test_an_auditor_writes_by_no_route(served_site: tuple[AppState, Site], roles: dict[str, Browser]) -> None:
    written = [each for each in operations(served_site[0]) if each[0] not in {"GET", "HEAD", "OPTIONS"}]
    assert len(written) >= 15
    for method, path, name in written:
        if is_auditors_own(path):
            continue
        reply = roles["auditor"].http.request(method, path, json={})
        assert (reply.status_code, code_of(reply)) == (403, "ROLE_READ_ONLY"), (method, path, name)
    assert roles["auditor"].post("/ws-ticket").status_code == 201
    assert roles["auditor"].post("/auth/logout-everywhere").status_code == 204


def test_an_auditor_s_login_opens_no_account(
    served_site: tuple[AppState, Site], auth_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(served_site[1], auth_database, "auditor")
    engine = sqlalchemy.create_engine(auth_database)
    with engine.begin() as db:
        change = sqlalchemy.text("UPDATE auth.users SET account_opened = false WHERE email = :email")
        db.execute(change, {"email": browser.email})
    engine.dispose()
    opened: list[object] = []

    async def note(_self: object, user: object) -> dict[str, str]:
        opened.append(user)
        return {}

    monkeypatch.setattr("api.users.opening.AccountOpener.open", note)
    browser.login()
    assert opened == []
    assert browser.me().json()["roles"] == ["auditor"]


def test_a_database_of_the_version_before_lets_a_user_be_an_auditor_after_its_migration(database_url: str) -> None:
    migrate(database_url, "0009")
    row = {"id": uuid4(), "email": "a@b.c", "account": str(uuid4())}
    insert = sqlalchemy.text(
        "INSERT INTO auth.users (user_id, email, password_hash, role, account_id) "
        "VALUES (:id, :email, 'x', 'auditor', :account)"
    )
    engine = sqlalchemy.create_engine(database_url)
    with pytest.raises(sqlalchemy.exc.IntegrityError), engine.begin() as db:
        db.execute(insert, row)
    migrate_url(database_url)
    with engine.begin() as db:
        db.execute(insert, row)
    engine.dispose()
