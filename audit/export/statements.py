"""What can be taken out of the log for others to read: account statements, events, and the double entry."""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

import msgspec

from audit.digits import iso, money
from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.reports import CORE_ERRORS
from projector.write.chain import ChainEntry
from projector.write.market_rows import MarketRows
from projector.write.rows import Rows
from runtime.errors import FixableError
from schemas.codec import NotDecodable, decode_event, digest_of
from schemas.event_groups import FillEvent
from schemas.events import Event, EventHeader, InstrumentsDefined, PositionOpened
from schemas.ids import event_id
from schemas.messages import Instrument
from schemas.plain_data import as_builtins
from schemas.record import field_names
from schemas.units import render

What = Literal["statements", "events", "ledger"]
Kind = Literal["text", "int", "money", "decimal", "time"]
Row = dict[str, Any]

HEADER: Final = frozenset(field_names(EventHeader))
COLUMNS: Final[dict[What, dict[str, Kind]]] = {
    "statements": {
        "time": "time",
        "account_id": "text",
        "event_id": "text",
        "line": "int",
        "kind": "text",
        "amount": "money",
        "balance_after": "money",
        "position_id": "text",
        "symbol": "text",
        "side": "text",
        "quantity": "decimal",
        "price": "decimal",
        "reason": "text",
    },
    "events": {
        "event_id": "text",
        "time": "time",
        "type": "text",
        "account_id": "text",
        "account_seq": "int",
        "command_offset": "int",
        "index": "int",
        "command_id": "text",
        "content": "text",
        "digest": "text",
    },
    "ledger": {
        "time": "time",
        "event_id": "text",
        "leg": "int",
        "account_id": "text",
        "position_id": "text",
        "source": "text",
        "target": "text",
        "amount": "money",
    },
}


class LoggedEvent(NamedTuple):
    """An event and what its record says besides."""

    shard: int
    offset: int
    value: bytes
    event: Event

    @property
    def name(self) -> str:
        return event_id(self.shard, self.event.seq)


def rows_of(log: LogReader, what: What, shards: tuple[int, ...], account: str | None) -> Iterator[Row]:
    """Give the rows in the order of each shard's events; times as ISO 8601, decimals as exact digits.

    LogUnreadable names the record of which none can be made; FixableError an account that the log never speaks of.
    """
    make = {"statements": _statements, "events": _events, "ledger": _ledger}[what]
    source = _EventSource(account)
    for shard in shards:
        rows = make(source.events(log, shard))
        while True:
            try:
                row = next(rows)
            except StopIteration:
                break
            except (NotDecodable, *CORE_ERRORS) as error:
                raise LogUnreadable(
                    f"Shard {shard}: nothing can be exported of record {source.offset} ({error!r}); "
                    "`./reprise audit verify` says what is wrong with it."
                ) from error
            if account is None or row["account_id"] == account:
                yield row
    if account is not None and not source.met_account:
        raise FixableError(f"No event of {log.name} is of account {account}, in shard {', '.join(map(str, shards))}.")


class _EventSource:
    """The events of a log, at which record it is, and whether an event of the account was among them."""

    def __init__(self, account: str | None) -> None:
        self.offset = -1
        self.met_account = False
        self._account = account

    def events(self, log: LogReader, shard: int) -> Iterator[LoggedEvent]:
        for batch in log.events(shard, 0):
            for record in batch:
                self.offset = record.offset
                event = decode_event(record.value)
                self.met_account = self.met_account or event.account_id == self._account
                yield LoggedEvent(shard, record.offset, record.value, event)


def _statements(events: Iterator[LoggedEvent]) -> Iterator[Row]:
    """Every change of a balance, with the balance after it, as the projector writes it."""
    rows = Rows({}, MarketRows({}), {})
    instruments: dict[str, Instrument] = {}
    for logged in events:
        event = logged.event
        if isinstance(event, InstrumentsDefined):
            instruments |= {instrument.symbol: instrument for instrument in event.instruments}
        rows.add(ChainEntry(*logged))
        for line in rows.ledger:
            row: Row = {
                "time": iso(line.time),
                "account_id": line.account_id,
                "event_id": logged.name,
                "line": line.line,
                "kind": line.kind,
                "amount": money(line.amount),
                "balance_after": money(line.balance_after),
                "position_id": line.position_id,
            }
            yield row | _trade(event, instruments)
        for done in (rows.opened, rows.closed, rows.fills, rows.ledger, rows.receipts, rows.history):
            done.clear()
        for changed in (rows.stops, rows.reduced, rows.commands):
            changed.clear()


def _trade(event: Event, instruments: dict[str, Instrument]) -> Row:
    if not isinstance(event, FillEvent):
        return dict.fromkeys(("symbol", "side", "quantity", "price", "reason"))
    instrument = instruments[event.symbol]
    return {
        "symbol": event.symbol,
        "side": event.side,
        "quantity": render(event.quantity, instrument.lot_exponent),
        "price": render(event.price, instrument.tick_exponent),
        "reason": None if isinstance(event, PositionOpened) else event.reason,
    }


def _events(events: Iterator[LoggedEvent]) -> Iterator[Row]:
    """Every event, with what it says as JSON in the ledger's own units."""
    for logged in events:
        event = logged.event
        content = {name: value for name, value in as_builtins(event).items() if name not in HEADER}
        yield {
            "event_id": logged.name,
            "time": iso(event.time),
            "type": type(event).__name__,
            "account_id": event.account_id,
            "account_seq": event.account_seq,
            "command_offset": event.command_offset,
            "index": event.index,
            "command_id": event.command_id,
            "content": msgspec.json.encode(content).decode(),
            "digest": digest_of(logged.value).hex(),
        }


def _ledger(events: Iterator[LoggedEvent]) -> Iterator[Row]:
    """Every leg: from which book, to which, how much."""
    for logged in events:
        event = logged.event
        for number, leg in enumerate(getattr(event, "legs", ())):
            yield {
                "time": iso(event.time),
                "event_id": logged.name,
                "leg": number,
                "account_id": event.account_id,
                "position_id": getattr(event, "position_id", None),
                "source": leg.source,
                "target": leg.target,
                "amount": money(leg.amount),
            }
