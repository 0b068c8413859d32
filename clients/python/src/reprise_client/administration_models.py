"""What administrators are answered, as types, like those of `models`."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from reprise_client.models import Side, _Answer

MarketStatus = Literal["open", "close_only", "halted"]
TransferReason = Literal["received", "paid_out", "requested", "refund", "correction", "bonus", "other"]


class Parameters(_Answer, frozen=True, kw_only=True):
    """An instrument with every parameter there is. Rates are fractions of one; money is USDC."""

    symbol: str
    status: str
    tick_size: Decimal
    lot_size: Decimal
    quantity_min: Decimal
    quantity_max: Decimal
    leverage_min: Decimal
    leverage_max: Decimal
    fee_rate: Decimal
    maintenance_rate: Decimal
    margin_floor_rate: Decimal
    liquidation_fee_rate: Decimal
    slippage_bps: int
    spread_max: Decimal
    jump_max: Decimal
    notional_max: Decimal
    account_notional_max: Decimal
    side_notional_max: Decimal
    open_age_max_ms: int | None = None


class Broadcast(_Answer, frozen=True, kw_only=True):
    """Something said to every shard: in force everywhere once none is in `waiting`, to which it is sent again."""

    name: str
    created_at: datetime
    answered: tuple[int, ...]
    waiting: tuple[int, ...]


class Activation(_Answer, frozen=True, kw_only=True):
    """How far one version of the rules is: done once no shard is in `waiting`."""

    version: int
    broadcast: str
    answered: tuple[int, ...]
    waiting: tuple[int, ...]


class Rules(_Answer, frozen=True, kw_only=True):
    """Which version is in force in every shard, which is the newest the exchange knows, and all that were asked for."""

    in_force: int
    newest: int
    activations: tuple[Activation, ...]


class Exposure(_Answer, frozen=True, kw_only=True):
    """All open positions of one side of a market. notional: at the price each would close at."""

    positions: int
    quantity: Decimal
    entry_notional: Decimal
    notional: Decimal
    margin: Decimal
    unrealized_pnl: Decimal


class MarketExposure(_Answer, frozen=True, kw_only=True):
    """What clients hold in a market. net_…: long less short; unrealized_pnl: what the house would lose."""

    symbol: str
    long: Exposure
    short: Exposure
    net_quantity: Decimal
    net_notional: Decimal
    unrealized_pnl: Decimal


class Rung(_Answer, frozen=True, kw_only=True):
    """What is liquidated when the price has moved by so many percent against a side, and everything nearer.

    accounts: whose positions they are. notional, shortfall: at the moved price; what they would owe beyond margins.
    """

    symbol: str
    side: Side
    move: Decimal
    price: Decimal
    positions: int
    accounts: int
    entry_notional: Decimal
    margin: Decimal
    notional: Decimal
    shortfall: Decimal


class JointRung(_Answer, frozen=True, kw_only=True):
    """What is liquidated when every market's price has moved by so many percent against a side at the same time."""

    side: Side
    move: Decimal
    positions: int
    accounts: int
    entry_notional: Decimal
    margin: Decimal
    notional: Decimal
    shortfall: Decimal


class Ladder(_Answer, frozen=True, kw_only=True):
    """By symbol, side, and how far its price moves; together: all markets move at once.

    Nothing opens, closes or is amended meanwhile, so a stop on the way closes nothing before.
    """

    items: tuple[Rung, ...]
    together: tuple[JointRung, ...]


class ShardFund(_Answer, frozen=True, kw_only=True):
    """What the closes of a shard moved into its fund and out of it. balance: received less paid."""

    shard: int
    balance: Decimal
    received: Decimal
    paid: Decimal
    written_off: Decimal


class InsuranceFund(_Answer, frozen=True, kw_only=True):
    """The sum of every shard's fund. written_off: losses beyond margins that it could not pay."""

    balance: Decimal
    received: Decimal
    paid: Decimal
    written_off: Decimal
    shards: tuple[ShardFund, ...]


class ListedAccount(_Answer, frozen=True, kw_only=True):
    """An account without anything of its user. margin_level: null without a position."""

    account_id: str
    opened_at: datetime
    balance: Decimal
    equity: Decimal
    used_margin: Decimal
    free_margin: Decimal
    unrealized_pnl: Decimal
    open_positions: int
    margin_level: Decimal | None = None


class FeedPrice(_Answer, frozen=True, kw_only=True):
    """Shard 0's price of a symbol. held_bid, held_ask: of the tick that waits for confirmation."""

    symbol: str
    state: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    source_time: datetime | None = None
    heard_at: datetime | None = None
    age_ms: int | None = None
    held_bid: Decimal | None = None
    held_ask: Decimal | None = None


class Feed(_Answer, frozen=True, kw_only=True):
    """Whose prices count; name is null before a feed was selected."""

    prices: tuple[FeedPrice, ...]
    name: str | None = None
    run: str | None = None
    live: bool | None = None
    selected_at: datetime | None = None


class ShardLag(_Answer, frozen=True, kw_only=True):
    """How far a shard's command was executed and its events projected; null where that is not known."""

    shard: int
    executed: int
    events: int
    projected: int
    projection_lag: int
    state: str
    commands: int | None = None
    projection_age_ms: int | None = None


class Lag(_Answer, frozen=True, kw_only=True):
    """Broker, engine and projector, as the process of the API that answered sees them."""

    broker_answers: bool
    shards: tuple[ShardLag, ...]


class TransferAct(_Answer, frozen=True, kw_only=True):
    """Who did what to a transfer; user_id and email are null where the log said it."""

    act: str
    at: datetime
    user_id: str | None = None
    email: str | None = None
    note: str | None = None


class Transfer(_Answer, frozen=True, kw_only=True):
    """Money in or out. pending: waits for approvals; approved: on its way into the log; done or refused: by the log.

    rejected: by an administrator. code: the log's refusal. command_id: of the command in the log.
    """

    id: str
    kind: str
    account_id: str
    amount: Decimal
    reason: str
    status: str
    approvals_needed: int
    approvals: int
    command_id: str
    created_at: datetime
    acts: tuple[TransferAct, ...]
    note: str | None = None
    code: str | None = None
    event_id: str | None = None
