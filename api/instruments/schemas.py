"""The shape of an instrument."""

from pydantic import BaseModel, Field

from api.http.amounts import Decimals
from schemas.messages import MarketStatus


class InstrumentReply(BaseModel, title="Instrument"):
    """What may be traded, with every parameter that decides money. Rates are fractions of one, limits USDC at entry.

    An open position keeps the rates it was opened under.
    """

    symbol: str = Field(examples=["BTC_USDC"])
    status: MarketStatus
    tick_size: Decimals
    lot_size: Decimals
    price_decimals: int = Field(examples=[1])
    quantity_decimals: int = Field(examples=[5])
    quantity_min: Decimals
    quantity_max: Decimals
    leverage_min: Decimals
    leverage_max: Decimals
    fee_rate: Decimals = Field(description="of the notional, for an opening and for a close", examples=["0.000000"])
    maintenance_rate: Decimals = Field(description="of the notional", examples=["0.005000"])
    margin_floor_rate: Decimals = Field(
        description="of the margin; a position keeps the greater of the two", examples=["0.050000"]
    )
    liquidation_fee_rate: Decimals = Field(description="of the notional", examples=["0.005000"])
    slippage_bps: int = Field(description="from expected_price, where an order has none of its own")
    notional_max: Decimals = Field(description="of a position")
    account_notional_max: Decimals = Field(description="of an account's positions of the symbol, both sides together")
    side_notional_max: Decimals = Field(description="of all accounts of a shard, on one side")
    spread_max: Decimals = Field(description="of the mid; a tick with a wider one is refused")
    jump_max: Decimals = Field(description="of the mid; a tick that is further away waits for confirmation")
    stale_after_ms: int = Field(
        description="without a tick or an alive mark; a stale price trades nothing", examples=[5000]
    )
    open_age_max_ms: int | None = Field(
        description="how long ago the price may have been heard for an opening; null: as long as it is not stale",
        examples=[2000],
    )


class AccountRules(BaseModel):
    """What holds for every account, whatever the instrument."""

    open_positions_max: int | None = Field(description="null: as many as there are", examples=[500])
    deposits_of_a_day_max: Decimals = Field(examples=["100000.000000"])
    balance_max: Decimals = Field(examples=["1000000000.000000"])


class Instruments(BaseModel):
    """All instruments, in the order they are served."""

    items: list[InstrumentReply]
    next_cursor: str | None = None
    rules_version: int = Field(description="in force in every shard; docs/rules.md says what it is", examples=[2])
    account: AccountRules
