"""What an account takes away: its events as they stand in the log, a manifest, and hashes for `sha256sum -c`."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import msgspec

from audit.export.statements import COLUMNS, Row, What, rows_of
from audit.log.differences import Difference
from audit.log.log_reader import Batches, Extent, LogReader
from audit.replay.account_fold import price_prefixes
from audit.replay.last_verdict import LastVerdict
from schemas.codec import PREFIX_SIZE

IN_MEMORY_MAX: Final = 8 * 1024 * 1024  # bytes; more of it lies in a file
FILES: Final[tuple[tuple[str, What], ...]] = (("events.jsonl", "events"), ("statements.jsonl", "statements"))
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
READ_ME: Final = (
    "An account's part of a log of Reprise. events.jsonl has each event of the account as `./reprise audit export "
    "events` writes it, statements.jsonl each change of its balance; both one JSON object a line, oldest first. "
    "`sha256sum -c SHA256SUMS` checks the files. Each event's digest chains it to all events of its shard before it: "
    "`./reprise audit verify` on the exchange, or on a log it exported, proves them, and `./reprise audit export "
    "events --account` there gives the same events."
)
# The same content gives the same bytes, whenever it is packed.
PACKED_AT: Final = (1980, 1, 1, 0, 0, 0)


class AccountLog:
    """A log of which only what concerns one account is read: its events, and those of the market that are no prices."""

    def __init__(self, log: LogReader, account_id: str) -> None:
        self.name = log.name
        self.shards = log.shards
        self.held = log.held
        self._log = log
        self._key = account_id.encode()

    def extent(self, shard: int) -> Extent:
        return self._log.extent(shard)

    def renewed(self) -> "AccountLog":
        return self

    def commands(self, shard: int, first: int) -> Batches:
        return self._log.commands(shard, first)

    def events(self, shard: int, first: int) -> Batches:
        prices = price_prefixes()
        for batch in self._log.events(shard, first):
            yield [
                record
                for record in batch
                if record.key == self._key or (record.key is None and record.value[:PREFIX_SIZE] not in prices)
            ]

    def snapshots(self, shard: int) -> Batches:
        return self._log.snapshots(shard)

    def damages(self, shard: int) -> list[Difference]:
        return self._log.damages(shard)


def write_bundle(log: LogReader, shard: int, account_id: str, verdict: LastVerdict | None) -> IO[bytes]:
    """Pack an account's bundle; the file is at its beginning, and gone when it is closed."""
    own = AccountLog(log, account_id)
    out: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY_MAX)  # noqa: SIM115  # Whoever sends it closes it.
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            files = []
            for name, what in FILES:
                rows = rows_of(own, what, (shard,), account_id)
                files.append(_add(packed, name, (_line(row, what) for row in rows)))
            manifest = {
                "format": 1,
                "what": READ_ME,
                "account_id": account_id,
                "shard": shard,
                "shards": log.shards,
                "events_to_record": log.extent(shard).events,
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "verdict": None if verdict is None else msgspec.to_builtins(verdict),
                "files": files,
            }
            files.append(_add(packed, MANIFEST, iter([json.dumps(manifest, indent=2) + "\n"])))
            _add(packed, SUMS, (f"{file['sha256']}  {file['name']}\n" for file in files))
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out


def _add(packed: zipfile.ZipFile, name: str, lines: Iterator[str]) -> dict[str, Any]:
    """Pack a file, and say how many lines it has and what its hash is."""
    digest, count = sha256(), 0
    entry = zipfile.ZipInfo(name, PACKED_AT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with packed.open(entry, "w", force_zip64=True) as file:
        for line in lines:
            content = line.encode()
            file.write(content)
            digest.update(content)
            count += 1
    return {"name": name, "lines": count, "sha256": digest.hexdigest()}


def _line(row: Row, what: What) -> str:
    return json.dumps({name: row[name] for name in COLUMNS[what]}) + "\n"
