"""How a backup becomes an instance in a new folder, stopped: checked whole before anything is filled."""

import shutil
from pathlib import Path

from audit.log.folder import FolderLog
from audit.log.import_log import require_whole
from cli.backup.database import load_tables, require_known
from cli.backup.file import BackupManifest, unpack
from cli.backup.making import LOG, SECRETS
from cli.backup.venue_log import import_venue_log
from cli.context import report
from cli.imported_instance import import_commands, require_shards
from engine.core.rules import newest_rules
from runtime.errors import FixableError
from runtime.settings import Settings
from stack.instance import write_private
from stack.new_instance import broker_of, database_of, new_instance


def restore_backup(file: Path, settings: Settings, data: Path) -> BackupManifest:
    """Make a new folder what the backup holds; an engine and a projector make the rest from the commands.

    FixableError where the folder holds anything, or the file is not as it was written; then nothing of it is left.
    """
    with new_instance(data) as folder:
        restored = folder.data / "restored"
        restored.mkdir(mode=0o700)
        manifest = unpack(file, restored)
        if manifest.rules > newest_rules():
            raise FixableError(
                f"{file} was made by a version of Reprise with rules {manifest.rules}, and this one has up to "
                f"{newest_rules()}: restore it with a newer one."
            )
        require_known(file, manifest.revisions)
        require_shards(str(file), manifest.shards, settings)
        log = FolderLog(restored / LOG)
        require_whole(log)
        report(f"{file} is whole; its log goes to a broker of its own now.")
        with broker_of(folder, settings, report) as reached:
            import_commands(log, folder, reached)
            import_venue_log(restored, reached.model_copy(update={"shards": log.shards}))
        with database_of(folder) as database_url:
            load_tables(database_url, manifest.revisions, restored, manifest.tables)
        if (restored / SECRETS).exists():
            write_private(folder.secrets, (restored / SECRETS).read_bytes())
        shutil.rmtree(restored)
    return manifest
