"""How a ledger becomes pages of bytes, and pages a ledger again."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from engine.core.bounds import POSITIONS_MAX
from engine.core.memory import remembered_ids
from engine.core.records import Account, Feed, Market, Position, Remembered
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.triggers import TriggerIndex
from schemas.messages import Instrument
from schemas.snapshots import SnapshotUnreadable
from schemas.units import Micros, Timestamp
from schemas.wide_integers import decode

# The version of the pages. A field added at the end of a record, with a default, keeps it; what else changes needs a
# new number and a reader of the old one, for no snapshot is ever disqualified by its age.
FORMAT: Final = 1


class Head(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """The first page: all of a ledger but its accounts and their positions, of which it has the number."""

    format: int
    shard: int
    shards: int
    seq: int
    time: Timestamp
    next_offset: int
    house: Micros
    fees: Micros
    insurance: Micros
    external: Micros
    feed: Feed | None
    clock_suspect: bool
    next_position: int
    accounts: int
    positions: int
    instruments: tuple[Instrument, ...]
    markets: tuple[Market, ...]
    broadcasts: dict[str, Remembered]
    rules_version: int = 1  # Older pages end before it: they were written when there was no other.
    positions_max: int = POSITIONS_MAX


class _Format(msgspec.Struct, array_like=True):
    """What every format begins with."""

    format: int


def restore(pages: Iterable[bytes]) -> State:
    """Make the ledger whose copy gave these pages, in their order. Raises SnapshotUnreadable, whatever they are."""
    try:
        return _restored(iter(pages))
    except msgspec.MsgspecError as error:
        raise SnapshotUnreadable(f"a page cannot be decoded: {error}") from error
    except (LookupError, TypeError, ValueError) as error:
        # Each page is sound by itself, and together they are no ledger; there is an older snapshot, or the log.
        raise SnapshotUnreadable(f"its pages do not fit together: {error!r}") from error


def _restored(pages: Iterator[bytes]) -> State:
    first = next(pages, None)
    if first is None:
        raise SnapshotUnreadable("it has no pages")
    head = _read_head(first)
    accounts = _read_accounts(pages)
    positions, triggers = _index(head, accounts)
    if (len(accounts), len(positions)) != (head.accounts, head.positions):
        raise SnapshotUnreadable(
            f"it says {head.accounts} accounts and {head.positions} positions and has "
            f"{len(accounts)} and {len(positions)}"
        )
    state = State(
        shard=head.shard,
        shards=head.shards,
        seq=head.seq,
        time=head.time,
        next_offset=head.next_offset,
        house=head.house,
        fees=head.fees,
        insurance=head.insurance,
        external=head.external,
        feed=head.feed,
        clock_suspect=head.clock_suspect,
        next_position=head.next_position,
        instruments={instrument.symbol: instrument for instrument in head.instruments},
        markets={market.symbol: market for market in head.markets},
        accounts={account.account_id: account for account in accounts},
        accounts_by_number=accounts,
        positions=positions,
        broadcasts=head.broadcasts,
        positions_max=head.positions_max,
        rules_version=head.rules_version,
        triggers=triggers,
    )
    if head.rules_version in RULES and RULES[head.rules_version].forgotten_each_command:
        state.remembered = remembered_ids(accounts)
    return state


def _read_head(page: bytes) -> Head:
    found = msgspec.msgpack.decode(page, type=_Format).format
    if found != FORMAT:
        raise SnapshotUnreadable(f"its format is {found}, and this code reads {FORMAT}")
    return decode(page, Head, msgspec.msgpack.Decoder(Head))


def _read_accounts(pages: Iterable[bytes]) -> list[Account]:
    decoder = msgspec.msgpack.Decoder(list[Account])
    accounts: list[Account] = []
    for page in pages:
        for account in decode(page, list[Account], decoder):
            if account.number != len(accounts):
                raise SnapshotUnreadable(f"account {account.number} stands where {len(accounts)} comes next")
            accounts.append(account)
    return accounts


def _index(head: Head, accounts: list[Account]) -> tuple[dict[str, Position], dict[str, TriggerIndex]]:
    """Give all open positions by id, and the triggers by symbol; let positions share their texts, as live ones do."""
    positions: dict[str, Position] = {}
    by_symbol: dict[str, tuple[str, list[Position]]] = {}
    for instrument in head.instruments:
        by_symbol[instrument.symbol] = (instrument.symbol, [])
    if {market.symbol for market in head.markets} != by_symbol.keys():
        raise SnapshotUnreadable("its markets are not those of its instruments")
    for account in accounts:
        for position_id, position in account.positions.items():
            symbol, of_symbol = by_symbol[position.symbol]
            position.position_id, position.account_id, position.symbol = position_id, account.account_id, symbol
            positions[position_id] = position
            of_symbol.append(position)
    return positions, {symbol: TriggerIndex(of_symbol) for symbol, of_symbol in by_symbol.values()}
