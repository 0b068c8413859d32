"""The shapes of the WebSocket's orders: the bodies of REST as `args`, its headers as members beside them."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from api.commands.schemas import CommandReply
from api.dispatch.read_your_writes import POSITION_HEADER
from api.dispatch.request_options import KEY
from api.http.numbers import Digits, Number, Text, is_text
from api.http.problems import REPLAYED
from api.http.sentences import FieldWrong
from api.orders.schemas import OrderReply, OrderRequest
from api.positions.schemas import AmendRequest, CloseRequest, Closings, PositionReply
from api.positions.versions import ETAG, TAGS

ID_MAX: Final = 64
_WHOLE: Final = re.compile(r"-?[0-9]{1,64}", re.ASCII)


def _id(value: object) -> object:
    """Take a string or a whole number as it was sent; neither is made of the other, nor of anything else."""
    if isinstance(value, Digits) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_string = isinstance(value, str) and not isinstance(value, Digits)
    if is_string and len(str(value)) <= ID_MAX and is_text(str(value)):
        return value
    raise FieldWrong(f"must be a string of at most {ID_MAX} characters or a whole number")


Id = Annotated[
    str | int,
    BeforeValidator(_id),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": ID_MAX}, {"type": "integer"}]}),
]
PositionId = Annotated[Text, Field(pattern=r"^[0-9]{1,5}-[0-9]{1,19}$", examples=["2-17"])]
OrderOp = Literal["order.place", "order.close", "order.reduce", "order.amend", "order.close_all"]
BucketName = Literal["orders", "closing"]


class WsOrder(BaseModel):
    """What every order has. id: what the reply carries, of no other order that is in flight on the socket."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    idempotency_key: Annotated[Text, Field(pattern=f"^{KEY}$")] | None = Field(
        default=None, description="as the header `Idempotency-Key`: the same key with the same content is executed once"
    )
    prefer: Literal["respond-async"] | None = Field(default=None, description="as the header: a reply of 202 at once")


class WsPlace(WsOrder):
    """Open a position at the market's price, as `POST /api/v1/orders` does."""

    op: Literal["order.place"]
    args: OrderRequest


class CloseArgs(CloseRequest):
    """Which position, and how much of it."""

    position_id: PositionId


class WsClose(WsOrder):
    """Close a position, as `POST /api/v1/positions/{id}/close` does."""

    op: Literal["order.close"]
    args: CloseArgs


class ReduceArgs(BaseModel):
    """Which position, and how much of it is closed."""

    model_config = ConfigDict(extra="forbid")

    position_id: PositionId
    quantity: Number


class WsReduce(WsOrder):
    """Close a part of a position, as `POST /api/v1/positions/{id}/close` with a quantity does."""

    op: Literal["order.reduce"]
    args: ReduceArgs


class AmendArgs(AmendRequest):
    """Which position, and its new stops: absent keeps, null takes off."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 2})

    position_id: PositionId


class WsAmend(WsOrder):
    """Set a position's stops, as `PATCH /api/v1/positions/{id}` does."""

    op: Literal["order.amend"]
    if_match: Annotated[Text, Field(pattern=f"^({TAGS})$")] | None = Field(
        default=None, description="as the header `If-Match`: the `etag` of the position as you know it"
    )
    args: AmendArgs


class NoArgs(BaseModel):
    """Nothing."""

    model_config = ConfigDict(extra="forbid")


class WsCloseAll(WsOrder):
    """Close every position that is open, as `POST /api/v1/positions/close-all` does."""

    op: Literal["order.close_all"]
    args: NoArgs = NoArgs()


class WsRateLimit(BaseModel):
    """What is left of the bucket the order was taken from, as the headers `RateLimit` and `RateLimit-Policy` say it."""

    bucket: BucketName
    quota: int
    window_s: int
    remaining: int
    reset_s: int = Field(description="until there is more")


class WsAnswered(BaseModel):
    """What is said beside the outcome of an order, and beside its refusal: what REST's headers say."""

    ledger_position: str | None = Field(
        default=None, description="`shard:seq`, as the header `Ledger-Position`", examples=["2:1234"]
    )
    replayed: bool = Field(default=False, description="as `Idempotent-Replayed`: the same was asked before")
    location: str | None = Field(default=None, description="where the order, or the undecided command, is looked up")
    etag: str | None = Field(default=None, description="the version of the position")
    retry_after_s: int | None = None
    rate_limit: WsRateLimit | None = None


class WsOutcome(WsAnswered):
    """What became of an order; status and data are those of REST. 202: not decided yet, look at `location`."""

    type: Literal["outcome"] = "outcome"
    id: Id
    op: OrderOp
    status: Literal[200, 201, 202]
    data: OrderReply | PositionReply | Closings | CommandReply


ORDERS: Final[dict[str, type[WsOrder]]] = {
    "order.place": WsPlace,
    "order.close": WsClose,
    "order.reduce": WsReduce,
    "order.amend": WsAmend,
    "order.close_all": WsCloseAll,
}
_MEMBERS: Final = {POSITION_HEADER: "ledger_position", "Location": "location", ETAG: "etag"}


def members_of(headers: dict[str, str]) -> dict[str, Any]:
    """Give what the headers of a reply say, by the members of a message."""
    members: dict[str, Any] = {member: headers[name] for name, member in _MEMBERS.items() if name in headers}
    if "Retry-After" in headers:
        members["retry_after_s"] = int(headers["Retry-After"])
    if headers.get(REPLAYED) == "true":
        members["replayed"] = True
    return members
