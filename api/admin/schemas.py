"""The shapes of what administrators see, and of what they may change."""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.amounts import Decimals
from api.http.numbers import Leverage, Money, Number, Rate, Whole
from api.http.sentences import FieldWrong
from schemas.derived import PriceState
from schemas.messages import MarketStatus, Side
from schemas.words import FeedName

ABSENT: Final[Any] = None  # the default of a field that may be left out and may not be null


class Parameters(BaseModel):
    """An instrument with every parameter there is. Rates are fractions of one; money is USDC."""

    symbol: str = Field(examples=["BTC_USDC"])
    status: MarketStatus
    tick_size: Decimals
    lot_size: Decimals
    quantity_min: Decimals
    quantity_max: Decimals
    leverage_min: Decimals
    leverage_max: Decimals
    fee_rate: Decimals
    maintenance_rate: Decimals = Field(description="of the notional")
    margin_floor_rate: Decimals = Field(description="of the margin")
    liquidation_fee_rate: Decimals
    slippage_bps: int
    spread_max: Decimals
    jump_max: Decimals
    notional_max: Decimals
    account_notional_max: Decimals
    side_notional_max: Decimals
    open_age_max_ms: int | None = Field(
        description="how long ago a price may have been heard for an opening; null: as the rules say"
    )


class AllParameters(BaseModel):
    """All instruments, in the order they were defined."""

    items: list[Parameters]
    next_cursor: str | None = None


class ParametersRequest(BaseModel):
    """New parameters; what is absent stays, null is a value. An open position keeps the rates it was opened under."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"leverage_max": "50"}], "minProperties": 1}
    )

    quantity_min: Number = ABSENT
    quantity_max: Number = ABSENT
    leverage_min: Leverage = ABSENT
    leverage_max: Leverage = ABSENT
    fee_rate: Rate = ABSENT
    maintenance_rate: Rate = ABSENT
    margin_floor_rate: Rate = ABSENT
    liquidation_fee_rate: Rate = ABSENT
    slippage_bps: Whole = ABSENT
    spread_max: Rate = ABSENT
    jump_max: Rate = ABSENT
    notional_max: Money = ABSENT
    account_notional_max: Money = ABSENT
    side_notional_max: Money = ABSENT
    open_age_max_ms: Whole | None = Field(
        default=None, description="1 to 5,000; null: as the rules say; with version 2 of the rules"
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise FieldWrong("at least one parameter must be given")
        return self


class InstrumentRequest(BaseModel):
    """A new instrument. What is absent is as of the instruments a ledger begins with."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"symbol": "DOGE_USDC", "tick_exponent": 5, "lot_exponent": 0, "quantity_max": "5000000"},
            ]
        },
    )

    symbol: str = Field(pattern=r"^[A-Z0-9]{1,20}_USDC$", examples=["DOGE_USDC"])
    tick_exponent: Whole = Field(ge=0, le=6, description="decimal places of a price")
    lot_exponent: Whole = Field(ge=0, le=6, description="decimal places of a quantity; with the other at most 6")
    quantity_max: Number


class AccountLimitsRequest(BaseModel):
    """What holds for every account, whatever the instrument."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"positions_max": 500}]})

    positions_max: Whole = Field(ge=1, le=10_000, description="open positions an account may have")


class StatusRequest(BaseModel):
    """Whether a market trades, only closes, or does nothing."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "close_only"}]})

    status: MarketStatus


class BroadcastReply(BaseModel, title="Broadcast"):
    """Something said to every shard: in force everywhere once no shard is waited for."""

    name: str = Field(examples=["instruments-2"])
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    answered: list[int] = Field(description="shards that have answered")
    waiting: list[int] = Field(description="shards that have not; it is sent to them again")
    asked_by: str | None = Field(description="user id of the administrator; null for what a ledger begins with")


class BroadcastsReply(BaseModel, title="Broadcasts"):
    """All that was said to every shard, newest first."""

    items: list[BroadcastReply]
    next_cursor: str | None = None


class Exposure(BaseModel):
    """All open positions of one side of a market."""

    positions: int
    quantity: Decimals
    entry_notional: Decimals
    notional: Decimals = Field(description="at the price each would close at; without a price, as entered")
    margin: Decimals
    unrealized_pnl: Decimals


class MarketExposure(BaseModel):
    """What clients hold in a market. net_…: long less short; the house holds as much the other way."""

    symbol: str
    long: Exposure
    short: Exposure
    net_quantity: Decimals
    net_notional: Decimals
    unrealized_pnl: Decimals = Field(description="of the clients; what the house would lose")


class Exposures(BaseModel):
    """All markets."""

    items: list[MarketExposure]
    next_cursor: str | None = None


class Rung(BaseModel):
    """What is liquidated when the price has moved so far against a side, and everything nearer.

    Longs are liquidated by a fall, shorts by a rise.
    """

    symbol: str
    side: Side
    move: Decimals = Field(description="percent of the exit price", examples=["1.00"])
    price: Decimals
    positions: int
    accounts: int = Field(description="whose positions they are")
    entry_notional: Decimals
    margin: Decimals
    notional: Decimals = Field(description="at the moved price")
    shortfall: Decimals = Field(description="what they would owe beyond their margins, at the moved price")


class JointRung(BaseModel):
    """What is liquidated when every market's price has moved so far against a side at the same time."""

    side: Side
    move: Decimals = Field(description="percent of the exit prices", examples=["1.00"])
    positions: int
    accounts: int = Field(description="whose positions they are; each counts once, whatever the markets")
    entry_notional: Decimals
    margin: Decimals
    notional: Decimals
    shortfall: Decimals


class Ladder(BaseModel):
    """By symbol, side, and how far the price moves; a market without a price is missing.

    Prices jump at once and are accepted; nothing opens, closes or is amended meanwhile, so a stop on the way closes
    nothing before; each position that is reached closes at the moved price.
    """

    items: list[Rung]
    next_cursor: str | None = None
    together: list[JointRung] = Field(description="all markets move at once")


class ShardFund(BaseModel):
    """What the closes of a shard moved into its fund and out of it, since the first."""

    shard: int
    balance: Decimals = Field(description="received less paid: the shard's book INSURANCE")
    received: Decimals = Field(description="liquidation fees")
    paid: Decimals = Field(description="for losses beyond margins")
    written_off: Decimals = Field(description="losses beyond margins that the fund could not pay")


class InsuranceFund(BaseModel):
    """The insurance fund: the sum of every shard's. One shard's fund pays for that shard's shortfalls alone."""

    balance: Decimals
    received: Decimals
    paid: Decimals
    written_off: Decimals
    shards: list[ShardFund]


class ListedAccount(BaseModel):
    """An account without anything of its user. Balance is cash and margins; equity adds the unrealised profit."""

    account_id: str
    opened_at: str = Field(json_schema_extra={"format": "date-time"})
    balance: Decimals
    equity: Decimals
    used_margin: Decimals
    free_margin: Decimals
    margin_level: Decimals | None = Field(description="equity / used margin, rounded down; null without a position")
    unrealized_pnl: Decimals
    open_positions: int


class ListedAccounts(BaseModel):
    """A page of accounts, the last opened first."""

    items: list[ListedAccount]
    next_cursor: str | None


class FeedPrice(BaseModel):
    """Shard 0's price of a symbol, as the tables have it."""

    symbol: str
    state: PriceState
    bid: Decimals | None
    ask: Decimals | None
    source_time: str | None = Field(json_schema_extra={"format": "date-time"})
    heard_at: str | None = Field(json_schema_extra={"format": "date-time"})
    age_ms: int | None
    held_bid: Decimals | None = Field(description="of the tick that waits for confirmation")
    held_ask: Decimals | None


class FeedReply(BaseModel, title="Feed"):
    """Whose prices count; name is null before a feed was selected."""

    name: FeedName | None
    run: str | None
    live: bool | None
    selected_at: str | None = Field(json_schema_extra={"format": "date-time"})
    prices: list[FeedPrice]


class ShardLag(BaseModel):
    """How far a shard's command was executed and its events projected; null where that is not known here."""

    shard: int
    commands: int | None = Field(description="the end of the commands, when last looked at")
    executed: int = Field(description="commands that have their event")
    events: int
    projected: int
    projection_lag: int
    projection_age_ms: int | None = Field(description="since the tables were known to hold all that was committed")
    state: Literal["level", "behind"]


class Lag(BaseModel):
    """Broker, engine and projector, as this process of the API sees them."""

    broker_answers: bool
    shards: list[ShardLag]
