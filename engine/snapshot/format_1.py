"""How pages of the first format are read: MessagePack, each record an array of its fields.

Snapshots were written so before the Avro files had the ledger's records. What was added since has its default.
"""

from typing import Any, Final, TypeVar

import msgspec

from engine.core.bounds import POSITIONS_MAX
from schemas import ledger_records
from schemas.ledger_records import Account, LedgerHead
from schemas.messages import Instrument, MarketStatus, Side
from schemas.plain_data import instruments_of
from schemas.record import Record, made
from schemas.snapshots import SnapshotUnreadable
from schemas.wide_integers import decode

FORMAT: Final = 1

RecordT = TypeVar("RecordT", bound=Record)


class _Record(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """A record of the ledger as its page has it."""


class _Remembered(_Record, kw_only=True):
    offset: int
    time: int
    content: bytes


class _Position(_Record, kw_only=True):
    position_id: str
    number: int
    account_id: str
    symbol: str
    side: Side
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


class _Account(_Record, kw_only=True):
    account_id: str
    number: int
    opened_at: int
    seq: int = 0
    cash: int = 0
    margin: int = 0
    open_notional: dict[str, int] = {}
    deposit_day: int = 0
    deposited: int = 0
    commands: dict[str, _Remembered] = {}
    exits: dict[str, _Remembered] = {}
    positions: dict[str, _Position] = {}
    client_order_ids: dict[str, int] = {}
    closes: dict[str, _Remembered] = {}
    amendments: dict[str, _Remembered] = {}
    withdrawals: dict[str, _Remembered] = {}


class _Quote(_Record, kw_only=True):
    bid: int
    ask: int
    source_time: int
    update_id: int
    offset: int
    heard_at: int
    stale: bool = False
    contradicted: bool = False


class _Candidate(_Record, kw_only=True):
    bid: int
    ask: int
    source_time: int
    update_id: int
    held_at: int = 0


class _Market(_Record, kw_only=True):
    symbol: str
    status: MarketStatus = "open"
    quote: _Quote | None = None
    candidate: _Candidate | None = None
    last_source_time: int | None = None
    last_update_id: int | None = None
    long_notional: int = 0
    short_notional: int = 0
    house_quantity: int = 0


class _Feed(_Record, kw_only=True):
    name: str
    run: str
    live: bool


class _LedgerHead(_Record, kw_only=True):
    format: int
    shard: int
    shards: int
    seq: int
    time: int
    next_offset: int
    house: int
    fees: int
    insurance: int
    external: int
    feed: _Feed | None
    clock_suspect: bool
    next_position: int
    accounts: int
    positions: int
    instruments: list[dict[str, Any]]
    markets: tuple[_Market, ...]
    broadcasts: dict[str, _Remembered]
    rules_version: int = 1  # Older pages end before it: they were written when there was no other.
    positions_max: int = POSITIONS_MAX


class _Format(msgspec.Struct, array_like=True):
    """What every format of MessagePack begins with."""

    format: int


_ACCOUNTS: Final = msgspec.msgpack.Decoder(list[_Account])


def read_head(page: bytes) -> LedgerHead:
    """Read the first page. Raises SnapshotUnreadable."""
    try:
        found = msgspec.msgpack.decode(page, type=_Format).format
        if found != FORMAT:
            raise SnapshotUnreadable(f"its format is {found}, and this code reads {FORMAT} where pages are MessagePack")
        head = decode(page, _LedgerHead, msgspec.msgpack.Decoder(_LedgerHead))
        instruments: tuple[Instrument, ...] = instruments_of(head.instruments)
    except msgspec.MsgspecError as error:
        raise SnapshotUnreadable(f"a page cannot be decoded: {error}") from error
    return made(LedgerHead, _fields(head) | {"instruments": instruments})


def read_accounts(page: bytes) -> list[Account]:
    """Read a page of accounts. Raises SnapshotUnreadable."""
    try:
        return [_now(account) for account in decode(page, list[_Account], _ACCOUNTS)]
    except msgspec.MsgspecError as error:
        raise SnapshotUnreadable(f"a page cannot be decoded: {error}") from error


def _fields(record: _Record) -> dict[str, Any]:
    return {name: _now(getattr(record, name)) for name in record.__struct_fields__}


def _now(value: Any) -> Any:
    """Give what a value is today: the records of a page, and those inside them, as those of the ledger."""
    if isinstance(value, _Record):
        return made(getattr(ledger_records, type(value).__name__.removeprefix("_")), _fields(value))
    if isinstance(value, dict):
        return {name: _now(each) for name, each in value.items()}
    return tuple(_now(each) for each in value) if isinstance(value, tuple) else value
