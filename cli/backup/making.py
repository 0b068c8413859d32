"""How a running instance becomes a file: first what the database says, then the log, which says at least as much."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from audit.log.cluster import open_cluster
from audit.log.export_log import UNFINISHED, export_log
from cli.backup.database import LEFT_OUT, revisions_of, snapshot_of, write_tables
from cli.backup.file import FORMAT, WHAT, BackupManifest, described, pack
from cli.backup.venue_log import VenueExtent
from engine.core.rules import newest_rules
from runtime.errors import FixableError
from runtime.files import sync_folder
from runtime.settings import Settings
from schemas.topics import TICKS
from stack.instance import InstanceFolder, write_private

SECRETS: Final = "secrets.env"
LOG: Final = "log"
SEALING: Final = "ENCRYPTION_KEY"


def make_backup(settings: Settings, folder: InstanceFolder, target: Path) -> BackupManifest:
    """Write all that cannot be made again to a file that only its owner reads.

    The database is seen as of one moment, and the log as of the next: whatever a row refers to is in the log.
    FixableError where the file exists, or something cannot be read or written; then nothing of it is left.
    """
    unfinished = target.with_name(target.name + UNFINISHED)
    for path, why in ((target, "exists already"), (unfinished, "is what a backup that did not end left")):
        if path.exists():
            raise FixableError(f"{path} {why}. Remove it, or name another file.")
    if not target.parent.is_dir():
        raise FixableError(f"There is no folder {target.parent}. Make it, or name a file in another.")
    try:
        unfinished.mkdir(mode=0o700)
        manifest = _collect(settings, folder, unfinished)
        archive = unfinished / "backup.tar"
        pack(unfinished, manifest, archive)
        archive.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise FixableError(f"Nothing was backed up to {target}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def _collect(settings: Settings, folder: InstanceFolder, into: Path) -> BackupManifest:
    with snapshot_of(settings.database_url) as database:
        log, venue = open_cluster(settings), VenueExtent(settings)
        revisions = revisions_of(database)
        tables = write_tables(database, into)
    exported = export_log(log, into / LOG, shard=None, to={})
    names = [f"{LOG}/manifest.json", *(f"{LOG}/{file.name}" for file in exported.files), *venue.write(into)]
    names += [table.file for table in tables]
    secrets = _secrets(settings, folder)
    if secrets:
        write_private(into / SECRETS, secrets.encode())
        names.append(SECRETS)
    return BackupManifest(
        format=FORMAT,
        what=WHAT,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        source=log.name,
        shards=log.shards,
        rules=newest_rules(),
        revisions=revisions,
        commands=[log.extent(shard).commands for shard in log.held],
        tables=tables,
        left_out=[*(str(table.fullname) for table in LEFT_OUT), TICKS],
        files=[described(into / name, name) for name in names],
    )


def _secrets(settings: Settings, folder: InstanceFolder) -> str:
    """The instance's own secrets, with the key that seals the venue's keys; in production there are none of its own."""
    if settings.profile == "production" or not folder.secrets.exists():
        return ""
    lines = folder.secrets.read_text(encoding="utf-8").splitlines()
    if settings.encryption_key:
        lines = [line for line in lines if not line.startswith(f"{SEALING}=")]
        lines.append(f"{SEALING}={settings.encryption_key}")
    return "".join(f"{line}\n" for line in lines)
