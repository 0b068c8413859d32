"""Which snapshot a recovery starts from: the newest good one, and the ledger it holds."""

from collections.abc import Iterator
from typing import Final

import structlog

from engine.core.rules import newest_rules
from engine.core.state import State
from engine.snapshot.format import FORMAT, restore
from engine.snapshot.ports import LoadProgress, SnapshotLog
from schemas.manifest import SnapshotManifest
from schemas.snapshots import SnapshotUnreadable, why_unusable

log = structlog.get_logger(__name__)

MICROSECONDS_PER_MILLISECOND: Final = 1_000


def load_newest(
    source: SnapshotLog, shard: int, shards: int, *, seq: int, first: int, end: int, progress: LoadProgress
) -> tuple[State, SnapshotManifest] | None:
    """Give the newest good snapshot's ledger, or null where there is none. Blocks; for a thread.

    seq: of the last committed event; first, end: where the commands begin and end. Good is one of this shard, in a
    version this code reads, not above the committed events, whole and unaltered, of the log there is. Every other is
    named and passed over for the one before it; age never disqualifies one.
    """

    def pass_over(offset: int, why: str, number: int | None = None) -> None:
        log.warning("snapshot passed over", shard=shard, manifest_offset=offset, number=number, why=why)

    for offset, manifest in source.manifests(shard, pass_over):
        found = (
            why_unusable(manifest, shard=shard, seq=seq, format_version=FORMAT, rules_version=newest_rules())
            or _why_of_another_log(source, manifest, first, end)
            or _load(source, manifest, shard, shards, progress)
        )
        if isinstance(found, State):
            return found, manifest
        pass_over(offset, found, manifest.number)
    return None


def _load(
    source: SnapshotLog, manifest: SnapshotManifest, shard: int, shards: int, progress: LoadProgress
) -> State | str:
    """Give the snapshot's ledger, or why it has none."""
    progress.begin("loading", manifest.uncompressed_bytes)
    progress.offset = manifest.next_offset
    try:
        state = restore(_counted(source.pages(shard, manifest), progress))
    except SnapshotUnreadable as error:
        return str(error)
    return _contradiction(manifest, state, shards) or state


def _counted(pages: Iterator[bytes], progress: LoadProgress) -> Iterator[bytes]:
    for page in pages:
        progress.done += len(page)
        yield page
    progress.begin("indexing", 0)


def _why_of_another_log(source: SnapshotLog, manifest: SnapshotManifest, first: int, end: int) -> str | None:
    """Say why these commands are not those the snapshot was made of, as far as its last one shows it, or give null."""
    if manifest.next_offset <= first:
        return None  # What it was made of was deleted; the shard itself sees whether anything is missing.
    if manifest.next_offset > end:
        return f"it has the commands up to offset {manifest.next_offset}, and the log has them up to {end}"
    last = manifest.next_offset - 1
    appended_ms = source.appended_at(manifest.shard, last)
    if appended_ms is None:
        return f"its last command, at offset {last}, is not in the log"
    if appended_ms * MICROSECONDS_PER_MILLISECOND > manifest.time:
        return f"the command at offset {last} was appended after it was taken: it is of another log"
    return None


def _contradiction(manifest: SnapshotManifest, state: State, shards: int) -> str | None:
    """Say in what a ledger differs from what its manifest says of it, or give null."""
    declared = (manifest.shard, shards, manifest.seq, manifest.next_offset, manifest.time, manifest.rules_version)
    found = (state.shard, state.shards, state.seq, state.next_offset, state.time, state.rules_version)
    if declared != found:
        return f"its manifest says shard, shards, seq, next offset, time and rules {declared}, its first page {found}"
    accounts, positions = len(state.accounts), len(state.positions)
    if (manifest.accounts, manifest.positions) != (accounts, positions):
        return (
            f"its manifest says {manifest.accounts} accounts and {manifest.positions} positions, "
            f"and it has {accounts} and {positions}"
        )
    if manifest.instruments not in (None, tuple(state.instruments.values())):
        return "its manifest names other instruments than its first page"
    return None
