"""What a row of each table holds: one type a table, its fields in the order of the table's columns.

The market's rows that change while a batch is read, `Price` and `Candle`, stand in write/market_rows.py.
"""

from typing import NamedTuple


class StoredProgress(NamedTuple):
    """A row of `progress`. current_at: null where it is left as it is."""

    shard: int
    next_offset: int
    seq: int
    digest: bytes
    time: int
    current_at: int | None = None


class StoredAccount(NamedTuple):
    """A row of `accounts`."""

    account_id: str
    shard: int
    cash: int
    balance: int
    used_margin: int
    opened_at: int
    account_seq: int


class StoredInsurance(NamedTuple):
    """A row of `insurance`."""

    shard: int
    received: int
    paid: int
    written_off: int


class StoredPosition(NamedTuple):
    """A row of `positions`; the last five are null while it is open and whole."""

    position_id: str
    shard: int
    account_id: str | None
    opened_seq: int
    symbol: str
    side: str
    status: str
    quantity: int
    entry_price: int
    entry_notional: int
    margin: int
    leverage: int
    fee_rate: int
    maintenance_rate: int
    margin_floor_rate: int
    liquidation_fee_rate: int
    liquidation_price: int | None
    stop_loss: int | None
    take_profit: int | None
    opened_at: int
    command_id: str | None
    client_order_id: str | None
    close_price: int | None = None
    realized_pnl: int | None = None
    close_reason: str | None = None
    closed_at: int | None = None
    receipt_id: str | None = None


class StopsChange(NamedTuple):
    """What amended stops make of a row of `positions`."""

    position_id: str
    stop_loss: int | None
    take_profit: int | None


class ReductionChange(NamedTuple):
    """What closed parts make of a row of `positions`; realized_pnl is added to what is there."""

    position_id: str
    quantity: int
    entry_notional: int
    margin: int
    liquidation_price: int | None
    realized_pnl: int


class CloseChange(NamedTuple):
    """What a close makes of a row of `positions`, besides its status; realized_pnl is added to what is there."""

    position_id: str
    close_price: int
    realized_pnl: int
    close_reason: str
    closed_at: int
    receipt_id: str


class StoredFill(NamedTuple):
    """A row of `fills`."""

    shard: int
    seq: int
    account_id: str | None
    time: int
    order_id: str | None
    position_id: str
    symbol: str
    side: str
    action: str
    price: int
    quantity: int
    fee: int
    realized_pnl: int | None
    reason: str | None


class StoredLedgerEntry(NamedTuple):
    """A row of `ledger_entries`."""

    shard: int
    seq: int
    line: int
    account_id: str
    time: int
    kind: str
    amount: int
    balance_after: int
    position_id: str | None


class StoredOutcome(NamedTuple):
    """A row of `commands`.

    command_hash is set where the engine remembers the id, and then the outcome is final. An id it does not remember
    (too many commands, no such account yet) may be tried again, and the row gives way to what comes later.
    """

    command_id: str
    account_id: str | None
    shard: int
    seq: int
    type: str | None
    status: str
    rejection: int | None
    position_id: str | None
    client_order_id: str | None
    warnings: list[str]
    first_offset: int
    time: int
    command_hash: bytes | None


class StoredReceipt(NamedTuple):
    """A row of `receipts`. event: JSON."""

    event_id: str
    account_id: str | None
    event: str


class StoredAccountEvent(NamedTuple):
    """A row of `account_events`. event: JSON."""

    account_id: str
    account_seq: int
    shard: int
    seq: int
    time: int
    type: str
    event: str


class StoredFeed(NamedTuple):
    """The row of `feed`."""

    one: bool
    name: str
    run: str
    live: bool
    selected_at: int
