"""How a seed's reply is written: in its own shape, and decimals as JSON numbers with exactly their digits."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from pydantic import BaseModel, WithJsonSchema
from starlette.responses import Response

from api.dispatch.replies import Pending, Reply, accepted
from api.http.amounts import plain

Digits = Annotated[Decimal, WithJsonSchema({"type": "number"})]

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def digits(text: str) -> Decimal:
    """Give a decimal string of the API as a number, without the zeros behind it."""
    return Decimal(plain(Decimal(text)))


def digits_or_null(text: str | None) -> Decimal | None:
    """Give a decimal string as a number, where there is one."""
    return None if text is None else digits(text)


def written(body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write a reply; what is null is left out, as JavaScript leaves out what is undefined."""
    return encoded(body.model_dump(exclude_none=True, by_alias=True), status, headers)


def encoded(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write any content as JSON."""
    kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-length"}
    return Response(_ENCODER.encode(content), status, kept, media_type="application/json")


def undecided(reply: Reply, **members: Any) -> Response:
    """Say that a command is on its way, under the seed's names too, and where to look."""
    answer = accepted(reply)
    content = msgspec.json.decode(bytes(answer.body))
    headers = {"Location": answer.headers["Location"], "Retry-After": answer.headers["Retry-After"]}
    return encoded(content | {"message": "Not decided yet; look at Location"} | members, 202, headers)


def command_id_of(reply: Reply) -> str:
    """Give the id of the command a reply is about."""
    location: str = accepted(reply).headers["Location"]
    return location.rpartition("/")[2]


def headers_of(reply: Reply) -> dict[str, str]:
    """Give the headers that name a decided command's place."""
    return {} if isinstance(reply, Pending) else reply.headers()
