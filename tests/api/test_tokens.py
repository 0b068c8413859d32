"""Access tokens are accepted only with our key and audience, and before they expire."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from api.credentials.tokens import Claims, Tokens, key_id
from api.http.problems import ApiError

SECRET = "a-key-of-the-tests-of-at-least-32-bytes"
OTHER = "b-key-of-the-tests-of-at-least-32-bytes"


def now() -> datetime:
    """Of the test, not of the run's beginning: a token lives for a quarter of an hour."""
    return datetime.now(UTC).replace(microsecond=0)


def issued(secret: str = SECRET, ago: timedelta = timedelta()) -> str:
    return Tokens(secret).issue(uuid4(), uuid4(), now() - ago)


def forged(
    secret: str = SECRET, headers: dict[str, Any] | None = None, algorithm: str = "HS256", **changes: Any
) -> str:
    """A token like ours with some claims changed; null leaves one out."""
    ours = issued()
    payload = jwt.decode(ours, options={"verify_signature": False}) | changes
    payload = {name: value for name, value in payload.items() if value is not None}
    said = jwt.get_unverified_header(ours) | {"alg": algorithm} | (headers or {})
    return jwt.encode(payload, secret, algorithm=algorithm, headers=said)


def unsigned() -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    ours = forged()
    header = jwt.get_unverified_header(ours) | {"alg": "none"}
    return f"{part(header)}.{part(jwt.decode(ours, options={'verify_signature': False}))}."


def test_an_issued_token_carries_user_session_and_expiry() -> None:
    user, session = uuid4(), uuid4()
    begins = now()
    token = Tokens(SECRET).issue(user, session, begins)
    assert Tokens(SECRET).read(token) == Claims(user, session, begins + timedelta(minutes=15))


def test_two_tokens_of_a_session_have_different_ids() -> None:
    user, session = uuid4(), uuid4()
    ids = {
        jwt.decode(Tokens(SECRET).issue(user, session, now()), options={"verify_signature": False})["jti"]
        for _ in range(2)
    }
    assert len(ids) == 2


def test_tokens_of_a_retired_secret_are_accepted_until_that_secret_is_dropped() -> None:
    before = issued(SECRET)
    changed = Tokens(OTHER, SECRET)
    changed.read(before)
    after = changed.issue(uuid4(), uuid4(), now())
    assert jwt.get_unverified_header(after)["kid"] != jwt.get_unverified_header(before)["kid"]
    Tokens(OTHER).read(after)
    for tokens, token in ((Tokens(OTHER), before), (Tokens(SECRET), after)):
        with pytest.raises(ApiError, match="TOKEN_INVALID"):
            tokens.read(token)


def test_a_key_id_does_not_reveal_the_secret() -> None:
    assert SECRET[:8] not in str(jwt.get_unverified_header(issued()))


def unacceptable() -> dict[str, str]:
    """Tokens that are refused, made now, by what is wrong with them."""
    return {
        "garbage": "garbage",
        "empty": "",
        "three dots": "a.b.c",
        "expired": issued(ago=timedelta(minutes=16)),
        "another key": issued(OTHER),
        "another key under our name": forged(secret=OTHER),
        "no signature": unsigned(),
        "another audience": forged(aud="another"),
        "no audience": forged(aud=None),
        "another issuer": forged(iss="another"),
        "no key id": forged(headers={"kid": ""}),
        "no id": forged(jti=None),
        "no session": forged(sid=None),
        "a session that is no id": forged(sid="1"),
        "a user that is no id": forged(sub="1"),
        "no end": forged(exp=None),
        "another kind": forged(typ="refresh"),
    }


@pytest.mark.parametrize("name", unacceptable())
def test_a_forged_foreign_or_expired_token_is_refused(name: str) -> None:
    with pytest.raises(ApiError) as refused:
        Tokens(SECRET).read(unacceptable()[name])
    assert refused.value.kind.status == 401


def test_a_token_of_another_algorithm_is_refused_even_with_the_right_key() -> None:
    long = SECRET * 2
    token = forged(secret=long, headers={"kid": key_id(long)}, algorithm="HS512")
    with pytest.raises(ApiError, match="TOKEN_INVALID"):
        Tokens(long).read(token)
    Tokens(long).read(issued(long))


def test_only_an_expired_token_gets_the_code_token_expired() -> None:
    codes = {}
    for name, token in unacceptable().items():
        with pytest.raises(ApiError) as refused:
            Tokens(SECRET).read(token)
        codes[name] = refused.value.kind.code
    assert {name for name, code in codes.items() if code == "TOKEN_EXPIRED"} == {"expired"}


def test_a_token_that_was_read_before_expires_all_the_same() -> None:
    tokens = Tokens(SECRET)
    token = tokens.issue(uuid4(), uuid4(), now(), timedelta(seconds=2))
    read = tokens.read(token)
    assert tokens.read(token) == read
    assert read.expires_at > datetime.now(UTC)
    time.sleep(max(0.0, (read.expires_at - datetime.now(UTC)).total_seconds()))
    with pytest.raises(ApiError, match="TOKEN_EXPIRED"):
        tokens.read(token)


@pytest.mark.parametrize("name", unacceptable())
def test_a_refused_token_is_refused_again(name: str) -> None:
    tokens, token = Tokens(SECRET), unacceptable()[name]
    for _ in range(3):
        with pytest.raises(ApiError):
            tokens.read(token)
