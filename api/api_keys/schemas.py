"""The shapes of a request for an API key, and of a key."""

import base64
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.credentials.signatures import PUBLIC_KEY_BYTES, is_of_small_order, read_base64
from api.http.numbers import Text
from api.http.sentences import FieldWrong
from api.http.times import text_of
from api.store.api_keys import Key, Scope
from runtime.times import micros_at

EXAMPLE = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def _public_key(text: str) -> str:
    """Refuse what is no key of Ed25519, and write it as it will be shown."""
    public_key = read_base64(text, PUBLIC_KEY_BYTES)
    if is_of_small_order(public_key):
        raise FieldWrong("is a point of small order, under which anybody can sign; make another key")
    return base64.b64encode(public_key).decode()


def _scopes(scopes: list[Scope]) -> list[Scope]:
    if len(set(scopes)) != len(scopes):
        raise FieldWrong("names a scope twice")
    return sorted(scopes)


class ApiKeyRequest(BaseModel):
    """A new key: its public half only, the other stays with whoever made it."""

    model_config = ConfigDict(extra="forbid")

    public_key: Annotated[
        Text,
        AfterValidator(_public_key),
        Field(max_length=64, description="Ed25519, the 32 bytes in base64", examples=[EXAMPLE]),
    ]
    scopes: Annotated[
        list[Scope],
        AfterValidator(_scopes),
        Field(
            min_length=1,
            max_length=2,
            description="`read` is for what changes nothing, `trade` for what trades; see docs/api-keys.md",
            examples=[["read", "trade"]],
            json_schema_extra={"uniqueItems": True},
        ),
    ]
    name: Annotated[Text, Field(max_length=100)] | None = None


class ApiKey(BaseModel):
    """A key of yours; it is used until you delete it."""

    id: str
    name: str | None
    public_key: str = Field(examples=[EXAMPLE])
    scopes: list[Scope] = Field(examples=[["read", "trade"]])
    created_at: str = Field(examples=["2026-01-02T03:04:05.000006Z"])
    last_used_at: str | None = Field(description="to the minute; null while it was never used")


class ApiKeys(BaseModel):
    """Your keys, the newest first; a user has few, and all are here."""

    items: list[ApiKey]
    next_cursor: str | None = None


def key_reply(key: Key) -> ApiKey:
    """Write a key."""
    return ApiKey(
        id=str(key.key_id),
        name=key.name,
        public_key=base64.b64encode(key.public_key).decode(),
        scopes=list(key.scopes),
        created_at=text_of(micros_at(key.created_at)),
        last_used_at=None if key.last_used_at is None else text_of(micros_at(key.last_used_at)),
    )
