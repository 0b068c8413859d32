"""How a ledger becomes pages of bytes, and pages a ledger again: Avro in single-object encoding, as all of the log."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from librt.strings import BytesWriter

from engine.core.memory import remembered_ids
from engine.core.rules import RULES
from engine.core.state import State
from engine.core.triggers import TriggerIndex, Triggers
from engine.snapshot import format_1
from schemas import ledger_records_codec
from schemas.codec import MARKER, NotDecodable, form_of, read_by
from schemas.forms import Form
from schemas.ledger_records import Account, AccountsPage, LedgerHead, Position
from schemas.ledger_records_codec import write_account_2
from schemas.record import Record
from schemas.snapshots import SnapshotUnreadable
from schemas.wire import write_long

# The version of the pages. A field added with a default keeps it; what else changes needs a new number and a reader of
# the old one, for no snapshot is ever disqualified by its age.
FORMAT: Final = 2

PageT = TypeVar("PageT", bound=Record)

_BY_PREFIX: Final[dict[bytes, Form]] = {form.prefix: form for form in ledger_records_codec.FORMS}
_BY_TYPE: Final[dict[type[Record], Form]] = {form.message: form for form in ledger_records_codec.FORMS}


def head_of(state: State) -> bytes:
    """Give the first page: all of a ledger but its accounts."""
    head = LedgerHead(
        format=FORMAT,
        shard=state.shard,
        shards=state.shards,
        seq=state.seq,
        time=state.time,
        next_offset=state.next_offset,
        house=state.house,
        fees=state.fees,
        insurance=state.insurance,
        external=state.external,
        feed=state.feed,
        clock_suspect=state.clock_suspect,
        next_position=state.next_position,
        accounts=len(state.accounts),
        positions=len(state.positions),
        instruments=tuple(state.instruments.values()),
        markets=tuple(state.markets.values()),
        broadcasts=state.broadcasts,
        rules_version=state.rules_version,
        positions_max=state.positions_max,
    )
    return _BY_TYPE[LedgerHead].encoded(head)


def encoded_account(account: Account) -> bytes:
    """Give an account as it stands in a page: a block of one."""
    out = BytesWriter()
    write_long(out, 1)
    write_account_2(out, account)
    return out.getvalue()


def begin_page() -> BytesWriter:
    """Begin a page of accounts; blocks of them follow."""
    out = BytesWriter()
    out.write(_BY_TYPE[AccountsPage].prefix)
    return out


def end_page(out: BytesWriter) -> bytes:
    """Give the page when it has its accounts."""
    write_long(out, 0)
    return out.getvalue()


def restore(pages: Iterable[bytes]) -> State:
    """Make the ledger whose copy gave these pages, in their order. Raises SnapshotUnreadable, whatever they are."""
    try:
        return _restored(iter(pages))
    except (LookupError, TypeError, ValueError) as error:
        # Each page is sound by itself, and together they are no ledger; there is an older snapshot, or the log.
        raise SnapshotUnreadable(f"its pages do not fit together: {error!r}") from error


def _restored(pages: Iterator[bytes]) -> State:
    first = next(pages, None)
    if first is None:
        raise SnapshotUnreadable("it has no pages")
    if first.startswith(MARKER):
        head = _page(first, LedgerHead)
        accounts = _numbered(account for page in pages for account in _page(page, AccountsPage).accounts)
    else:
        head = format_1.read_head(first)
        accounts = _numbered(account for page in pages for account in format_1.read_accounts(page))
    positions, triggers = _index(head, accounts)
    if (len(accounts), len(positions)) != (head.accounts, head.positions):
        raise SnapshotUnreadable(
            f"it says {head.accounts} accounts and {head.positions} positions and has "
            f"{len(accounts)} and {len(positions)}"
        )
    state = State(shard=head.shard, shards=head.shards)
    state.seq = head.seq
    state.time = head.time
    state.next_offset = head.next_offset
    state.house = head.house
    state.fees = head.fees
    state.insurance = head.insurance
    state.external = head.external
    state.feed = head.feed
    state.clock_suspect = head.clock_suspect
    state.next_position = head.next_position
    state.instruments = {instrument.symbol: instrument for instrument in head.instruments}
    state.markets = {market.symbol: market for market in head.markets}
    state.accounts = {account.account_id: account for account in accounts}
    state.accounts_by_number = accounts
    state.positions = positions
    state.broadcasts = head.broadcasts
    state.positions_max = head.positions_max
    state.rules_version = head.rules_version
    state.triggers = Triggers(triggers)
    if head.rules_version in RULES and RULES[head.rules_version].forgotten_each_command:
        state.remembered = remembered_ids(accounts)
    return state


def _page(page: bytes, kind: type[PageT]) -> PageT:
    try:
        found = read_by(form_of(page, _BY_PREFIX), page)
    except NotDecodable as error:
        raise SnapshotUnreadable(f"a page cannot be decoded: {error}") from error
    if not isinstance(found, kind):
        raise SnapshotUnreadable(f"a page of {type(found).__name__} stands where one of {kind.__name__} comes next")
    return found


def _numbered(found: Iterable[Account]) -> list[Account]:
    accounts: list[Account] = []
    for account in found:
        if account.number != len(accounts):
            raise SnapshotUnreadable(f"account {account.number} stands where {len(accounts)} comes next")
        accounts.append(account)
    return accounts


def _index(head: LedgerHead, accounts: list[Account]) -> tuple[dict[str, Position], dict[str, TriggerIndex]]:
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
