"""The shape of a command and its outcome."""

from typing import Literal

from pydantic import BaseModel, Field

from api.orders.schemas import OrderReply
from api.positions.schemas import PositionReply


class CommandReply(BaseModel, title="Command"):
    """A command and its outcome. code: the refusal's name; order or position: what it made or changed."""

    command_id: str = Field(examples=["5b2b8d7e-0c0f-5d0e-8a57-3c3f6f0a7a11"])
    status: Literal["pending", "done", "rejected", "unknown"]
    code: str | None = Field(default=None, examples=["PRICE_STALE"])
    order: OrderReply | None = None
    position: PositionReply | None = None
