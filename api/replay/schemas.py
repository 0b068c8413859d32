"""The shapes of a replay: the audit's service makes the answers, and a test compares each with its shape here."""

from typing import Literal

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from schemas.messages import Side


class ReplayPoint(BaseModel):
    """A command in the log of the account's shard, and its time."""

    offset: int
    time: str = Field(json_schema_extra={"format": "date-time"})


class ReplayMark(BaseModel):
    """A command of the account's own; type: of its first event."""

    offset: int
    time: str = Field(json_schema_extra={"format": "date-time"})
    type: str = Field(examples=["PositionOpened"])
    position_id: str | None


class ReplayVerdict(BaseModel):
    """What the last `audit verify` said: of all, and of this shard up to event seq, before command next_offset.

    digest: SHA-256 of the verdict. chain_digest: of event seq; ledger_digest: of the shard's ledger there.
    """

    agrees: bool
    shard_agrees: bool
    made_at: str
    digest: str
    seq: int | None
    next_offset: int | None
    chain_digest: str | None
    ledger_digest: str | None
    scope: list[str]


class Replay(BaseModel):
    """What there is to replay of an account.

    is_ready: else the log is still being read, and `read` of `records` events have been: ask again. place: the offset
    of the moment that was asked for. marks: the account's own commands, at most 500 of mark_count. symbols: those that
    it held.
    """

    account_id: str
    shard: int
    is_ready: bool
    read: int
    records: int
    opened: ReplayPoint | None
    end: ReplayPoint | None
    place: int | None
    marks: list[ReplayMark]
    mark_count: int
    symbols: list[str]
    verdict: ReplayVerdict | None


class ReplayPrice(BaseModel):
    """A symbol's bid and ask."""

    symbol: str
    bid: Decimals | None
    ask: Decimals | None


class ReplayPosition(BaseModel):
    """A position as it was."""

    position_id: str
    symbol: str
    side: Side
    quantity: Decimals
    entry_price: Decimals
    entry_notional: Decimals
    margin: Decimals
    leverage: Decimals
    liquidation_price: Decimals | None
    stop_loss: Decimals | None
    take_profit: Decimals | None
    unrealized_pnl: Decimals | None
    opened_at: str = Field(json_schema_extra={"format": "date-time"})


class ReplayLedger(BaseModel):
    """The account's ledger as it was; seq: of its last event. prices: of what it held, as far as they were followed."""

    account_id: str
    seq: int
    cash: Decimals
    used_margin: Decimals
    balance: Decimals
    unrealized_pnl: Decimals
    equity: Decimals
    positions: list[ReplayPosition]
    prices: list[ReplayPrice]


class ReplayEvent(BaseModel):
    """An event. own: whether it is the account's, and not one of the whole shard. rejection: why it was refused.

    figures: its amounts, prices and sizes in decimal digits, by the names of its fields. ticks: prices it accepted.
    content: all that it says, in the ledger's own units, as JSON text. digest: chains it to every event before it.
    """

    event_id: str = Field(examples=["2-1234"])
    seq: int
    index: int
    type: str = Field(examples=["PositionOpened"])
    time: str = Field(json_schema_extra={"format": "date-time"})
    own: bool
    command_id: str | None
    position_id: str | None
    symbol: str | None
    side: Side | None
    reason: str | None
    rejection: str | None
    figures: dict[str, str]
    ticks: list[ReplayPrice]
    digest: str
    content: str


class ReplayStep(BaseModel):
    """A command that concerned the account, all it led to, and the ledger before and after it.

    kind: its own; one that moved a price of what it held; or one of the market. before: null where that is the ledger
    of the step before this one in the list. Both are null before the account was opened.
    """

    offset: int
    time: str = Field(json_schema_extra={"format": "date-time"})
    kind: Literal["own", "price", "market"]
    events: list[ReplayEvent]
    before: ReplayLedger | None
    ledger: ReplayLedger | None


class ReplaySteps(BaseModel):
    """Steps in the log's order. previous, next: what to send as `before` and as `after` for more; null: there are none.

    At the end of the log `next` stays, for what is still to come.
    """

    account_id: str
    shard: int
    steps: list[ReplayStep]
    previous: int | None
    next: int | None


class ReplayCandle(BaseModel):
    """The mid of a symbol's bid and ask from a time on."""

    start: str = Field(json_schema_extra={"format": "date-time"})
    open: Decimals
    high: Decimals
    low: Decimals
    close: Decimals


class ReplayPrices(BaseModel):
    """Candles of so many seconds, oldest first. left_off: up to when there was time to look; null: to the end."""

    symbol: str
    seconds: int
    candles: list[ReplayCandle]
    left_off: str | None


class ReplayCommand(BaseModel):
    """A command as it stands in the log: in words, and as JSON text in the ledger's own units."""

    offset: int
    time: str = Field(json_schema_extra={"format": "date-time"})
    type: str
    command_id: str | None
    words: str
    content: str
