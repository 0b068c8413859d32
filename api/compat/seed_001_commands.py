"""Which commands seed 001's engine takes, and the envelope of its answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.compat.slippage import Slippage
from api.http.numbers import Leverage, Money, Number, Text


class CreateAccount(BaseModel):
    """Have an account; it is opened at sign-up, and asking again changes nothing."""

    command: Literal["CREATE_ACCOUNT"]


class GetBalance(BaseModel):
    """Give the free money, and nothing of any coin."""

    command: Literal["GET_BALANCE"]


class GetUsdBalance(BaseModel):
    """Give the free money."""

    command: Literal["GET_USD_BALANCE"]


class CreateTrade(BaseModel):
    """Open a position at the market's price. leverage: 1 to 100, as the README says."""

    command: Literal["CREATE_TRADE"]
    asset: Annotated[Text, Field(max_length=32, examples=["SOL_USDC"])]
    direction: Literal["LONG", "SHORT"]
    margin: Money
    leverage: Leverage | None = None
    slippage: Slippage | None = None
    stopLossPrice: Number | None = None  # noqa: N815  # The seed's own names.
    takeProfitPrice: Number | None = None  # noqa: N815


class CloseTrade(BaseModel):
    """Close a position whole."""

    command: Literal["CLOSE_TRADE"]
    tradeId: Annotated[Text, Field(max_length=64, examples=["2-17"])]  # noqa: N815


class DeleteUser(BaseModel):
    """Forget who you are and close what is open; the ledger is kept."""

    command: Literal["DELETE_USER"]


EngineRequest = Annotated[
    CreateAccount | GetBalance | GetUsdBalance | CreateTrade | CloseTrade | DeleteUser, Field(discriminator="command")
]


class EngineResponse(BaseModel):
    """What the engine said."""

    orderId: str  # noqa: N815
    status: Literal["success", "pending", "error"]
    data: dict[str, Any] | None = None
    message: str


class EngineEnvelope(BaseModel, title="Envelope"):
    """A command's answer. orderId: our command id; latency: milliseconds."""

    success: bool
    orderId: str  # noqa: N815
    engineResponse: EngineResponse  # noqa: N815
    latency: int
