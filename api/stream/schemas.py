"""The shapes of the WebSocket's messages, in both directions."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from api.accounts.schemas import AccountReply, LedgerLine
from api.alerts.schemas import Alert
from api.candles.schemas import CandleReply
from api.http.numbers import Text
from api.http.problems import Problem
from api.http.sentences import FieldWrong
from api.orders.schemas import OrderReply
from api.positions.schemas import PositionReply
from api.stream.channels import ACCOUNT
from api.stream.order_schemas import (
    Id,
    WsAmend,
    WsAnswered,
    WsClose,
    WsCloseAll,
    WsOutcome,
    WsPlace,
    WsReduce,
)
from api.tickers.schemas import TickerReply

CHANNELS_MAX: Final = 100  # in one message

Channel = Annotated[Text, Field(max_length=64, examples=["ticks.BTC_USDC", "candles.1m.BTC_USDC", ACCOUNT])]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class WsOperation(BaseModel):
    """What every message of a client has. id: what the reply is to carry."""

    model_config = ConfigDict(extra="forbid")

    id: Id | None = None


class WsSubscribe(WsOperation):
    """Be told of these channels: of each its snapshot, then its updates."""

    op: Literal["subscribe"]
    channels: Annotated[list[Channel], Field(min_length=1, max_length=CHANNELS_MAX)]


class WsUnsubscribe(WsOperation):
    """Be told of these channels no more."""

    op: Literal["unsubscribe"]
    channels: Annotated[list[Channel], Field(min_length=1, max_length=CHANNELS_MAX)]


class WsAuth(WsOperation):
    """Say who you are, or renew it in place: an access token, or a ticket of `POST /api/v1/ws-ticket`."""

    op: Literal["auth"]
    token: Annotated[Text, Field(max_length=4096)] | None = None
    ticket: Annotated[Text, Field(max_length=128)] | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.token is None) == (self.ticket is None):
            raise FieldWrong("exactly one of token and ticket must be given")
        return self


class WsResume(WsOperation):
    """Be told of your account from behind this `seq` on; what was missed comes first, or `resync` and a snapshot."""

    op: Literal["resume"]
    channel: Literal["account"]
    after: Annotated[int, Field(ge=0, le=2**63 - 1)]


class WsPing(WsOperation):
    """Ask whether anybody is there; the server asks by itself every 20 seconds, with WebSocket's own pings."""

    op: Literal["ping"]


WsRequest = Annotated[
    WsSubscribe | WsUnsubscribe | WsAuth | WsResume | WsPing | WsPlace | WsClose | WsReduce | WsAmend | WsCloseAll,
    Field(discriminator="op"),
]


class WsAck(BaseModel):
    """An operation was done. channels: all that are subscribed to now; signed_in_until: when it closes with 4401."""

    type: Literal["ack"] = "ack"
    id: Id | None
    op: Literal["subscribe", "unsubscribe", "auth", "resume"]
    channels: list[str]
    account_id: str | None
    signed_in_until: Time | None


class WsPong(BaseModel):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"
    id: Id | None
    ts: Time


class WsError(WsAnswered):
    """An operation was refused, and changed nothing; of an order, what REST's headers would say stands beside it."""

    type: Literal["error"] = "error"
    id: Id | None
    op: str | None
    error: Problem


class WsResync(BaseModel):
    """What was missed cannot be told one by one: the channel's snapshot comes next."""

    type: Literal["resync"] = "resync"
    channel: str
    ts: Time


class WsShutdown(BaseModel):
    """The server goes down; the socket closes with 1012. Connect again and resume."""

    type: Literal["server_shutdown"] = "server_shutdown"
    ts: Time


class AccountSnapshot(BaseModel):
    """An account as its event number `seq` left it: its figures, its open positions and its pending orders.

    account: null until the account is open in the ledger.
    """

    account: AccountReply | None
    positions: list[PositionReply]
    orders: list[OrderReply]


class AccountUpdate(BaseModel):
    """One event of the account, and what it made of order, position, account and ledger, in their REST shapes.

    event: its type; code: why the command was refused. account: null in what was missed, but for its last event.
    What the event did not change is null or empty.
    """

    event_id: str = Field(examples=["2-1234"])
    event: str = Field(examples=["PositionOpened", "PositionClosed", "CommandRejected"])
    command_id: str | None
    code: str | None = None
    order: OrderReply | None = None
    position: PositionReply | None = None
    account: AccountReply | None = None
    ledger: list[LedgerLine] = []


class WsMessage(BaseModel):
    """What every message of a channel has. seq: of the account's events, gap-free; elsewhere it never goes back.

    ts: log time of the event; of snapshots, tickers and candles the server's clock.
    """

    channel: str
    seq: int
    ts: Time


class WsAccountSnapshot(WsMessage):
    """The account as of `seq`."""

    type: Literal["snapshot"] = "snapshot"
    data: AccountSnapshot


class WsAccountUpdate(WsMessage):
    """The account's event number `seq`."""

    type: Literal["update"] = "update"
    data: AccountUpdate


class WsAlertsSnapshot(WsMessage):
    """Your active alerts, the last made first."""

    type: Literal["snapshot"] = "snapshot"
    data: list[Alert]


class WsAlertsUpdate(WsMessage):
    """An alert of yours that triggered."""

    type: Literal["update"] = "update"
    data: Alert


class WsTickerMessage(WsMessage):
    """The last price of a symbol; a slow reader misses prices, never the last one."""

    type: Literal["snapshot", "update"]
    data: TickerReply


class WsCandleMessage(WsMessage):
    """The candle that goes on, or was closed; null before the first."""

    type: Literal["snapshot", "update"]
    data: CandleReply | None


REQUESTS: Final[TypeAdapter[Any]] = TypeAdapter(WsRequest)
CLIENT: Final[tuple[type[BaseModel], ...]] = (
    *(WsSubscribe, WsUnsubscribe, WsAuth, WsResume, WsPing),
    *(WsPlace, WsClose, WsReduce, WsAmend, WsCloseAll),
)
SERVER: Final[tuple[type[BaseModel], ...]] = (
    *(WsAck, WsPong, WsError, WsOutcome, WsResync, WsShutdown),
    *(WsAccountSnapshot, WsAccountUpdate, WsAlertsSnapshot, WsAlertsUpdate, WsTickerMessage, WsCandleMessage),
)


class WsTicket(BaseModel):
    """A ticket that opens one socket, once: `/api/v1/ws?ticket=…`, or `{"op":"auth","ticket":"…"}`."""

    ticket: str
    expires_in: int = Field(description="seconds", examples=[30])
