"""What a replay consists of, as types: an account's steps through the log, each with the ledger before and after it."""

from datetime import datetime
from decimal import Decimal

from reprise_client.models import Side, _Answer


class ReplayPoint(_Answer, frozen=True, kw_only=True):
    """A command in the log of the account's shard, and its time."""

    offset: int
    time: datetime


class ReplayMark(_Answer, frozen=True, kw_only=True):
    """A command of the account's own; type: of its first event."""

    offset: int
    time: datetime
    type: str
    position_id: str | None = None


class ReplayVerdict(_Answer, frozen=True, kw_only=True):
    """What the last `audit verify` said: of all, and of this shard up to event seq, before command next_offset."""

    agrees: bool
    shard_agrees: bool
    made_at: str
    digest: str
    seq: int | None = None
    next_offset: int | None = None
    chain_digest: str | None = None
    ledger_digest: str | None = None
    scope: tuple[str, ...] = ()


class Replay(_Answer, frozen=True, kw_only=True):
    """What there is to replay. is_ready: else the log is still being read, `read` of `records` events so far."""

    account_id: str
    shard: int
    is_ready: bool
    read: int
    records: int
    marks: tuple[ReplayMark, ...]
    mark_count: int
    symbols: tuple[str, ...]
    opened: ReplayPoint | None = None
    end: ReplayPoint | None = None
    place: int | None = None
    verdict: ReplayVerdict | None = None


class ReplayPrice(_Answer, frozen=True, kw_only=True):
    """A symbol's bid and ask."""

    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None


class ReplayPosition(_Answer, frozen=True, kw_only=True):
    """A position as it was."""

    position_id: str
    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    entry_notional: Decimal
    margin: Decimal
    leverage: Decimal
    opened_at: datetime
    liquidation_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    unrealized_pnl: Decimal | None = None


class ReplayLedger(_Answer, frozen=True, kw_only=True):
    """The account's ledger as it was. prices: of what it held."""

    account_id: str
    seq: int
    cash: Decimal
    used_margin: Decimal
    balance: Decimal
    unrealized_pnl: Decimal
    equity: Decimal
    positions: tuple[ReplayPosition, ...]
    prices: tuple[ReplayPrice, ...]


class ReplayEvent(_Answer, frozen=True, kw_only=True):
    """An event. own: of the account, not of the whole shard. content: all of it as JSON, in the ledger's own units."""

    event_id: str
    seq: int
    index: int
    type: str
    time: datetime
    own: bool
    figures: dict[str, str]
    ticks: tuple[ReplayPrice, ...]
    digest: str
    content: str
    command_id: str | None = None
    position_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    reason: str | None = None
    rejection: str | None = None


class ReplayStep(_Answer, frozen=True, kw_only=True):
    """A command that concerned the account. before: None where that is the ledger of the step before it."""

    offset: int
    time: datetime
    kind: str
    events: tuple[ReplayEvent, ...]
    before: ReplayLedger | None = None
    ledger: ReplayLedger | None = None


class ReplaySteps(_Answer, frozen=True, kw_only=True):
    """Steps in the log's order. previous, next: what to give as `before` and as `after` for more."""

    account_id: str
    shard: int
    steps: tuple[ReplayStep, ...]
    previous: int | None = None
    next: int | None = None


class ReplayCandle(_Answer, frozen=True, kw_only=True):
    """The mid of a symbol's bid and ask from a time on."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class ReplayPrices(_Answer, frozen=True, kw_only=True):
    """Candles of so many seconds, oldest first. left_off: up to when there was time to look."""

    symbol: str
    seconds: int
    candles: tuple[ReplayCandle, ...]
    left_off: datetime | None = None


class ReplayCommand(_Answer, frozen=True, kw_only=True):
    """A command as it stands in the log, in words and as JSON."""

    offset: int
    time: datetime
    type: str
    words: str
    content: str
    command_id: str | None = None
