"""Which tokens are believed: ours, of this key, for this audience, and not yet over."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from reprise.api.auth.tokens import Claims, Tokens
from reprise.api.problems import ApiError

SECRET = "a-key-of-the-tests-of-at-least-32-bytes"
OTHER = "b-key-of-the-tests-of-at-least-32-bytes"
NOW = datetime.now(UTC).replace(microsecond=0)


def claims() -> Claims:
    return Claims(uuid4(), uuid4())


def forged(secret: str = SECRET, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token like ours with some claims changed; null leaves one out."""
    ours = Tokens(SECRET).issue(claims(), NOW)
    payload = jwt.decode(ours, options={"verify_signature": False}) | changes
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, secret, headers=jwt.get_unverified_header(ours) | (headers or {}))


def unsigned() -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    ours = forged()
    header = jwt.get_unverified_header(ours) | {"alg": "none"}
    return f"{part(header)}.{part(jwt.decode(ours, options={'verify_signature': False}))}."


def test_a_token_of_ours_says_whose_it_is() -> None:
    said = claims()
    assert Tokens(SECRET).read(Tokens(SECRET).issue(said, NOW)) == said


REFUSED = {
    "garbage": "garbage",
    "empty": "",
    "three dots": "a.b.c",
    "expired": Tokens(SECRET).issue(claims(), NOW - timedelta(minutes=16)),
    "another key": Tokens(OTHER).issue(claims(), NOW),
    "another key under our name": forged(secret=OTHER),
    "no signature": unsigned(),
    "another audience": forged(aud="another"),
    "no audience": forged(aud=None),
    "another issuer": forged(iss="another"),
    "no key id": forged(headers={"kid": ""}),
    "no session": forged(jti=None),
    "a session that is no id": forged(jti="1"),
    "a user that is no id": forged(sub="1"),
    "no end": forged(exp=None),
    "another kind": forged(typ="refresh"),
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(ApiError) as refused:
        Tokens(SECRET).read(token)
    assert refused.value.kind.status == 401


def test_only_an_expired_token_is_told_so() -> None:
    codes = {}
    for name, token in REFUSED.items():
        with pytest.raises(ApiError) as refused:
            Tokens(SECRET).read(token)
        codes[name] = refused.value.kind.code
    assert {name for name, code in codes.items() if code == "TOKEN_EXPIRED"} == {"expired"}
