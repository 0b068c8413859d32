"""How an exported log becomes an instance: its commands in a broker of its own, and the settings it came with."""

from pathlib import Path
from typing import Final

from audit.log.folder import FolderLog
from audit.log.import_log import append_log, require_whole
from audit.log.log_reader import commands_of
from cli.context import report
from runtime.errors import FixableError
from runtime.setting_sources import FILE_NAME
from runtime.settings import Settings
from schemas.codec import NotDecodable, decode_command
from schemas.commands import SelectFeed
from schemas.sharding import PRICE_SHARD
from stack.instance import InstanceFolder, write_private
from stack.new_instance import broker_of, new_instance, require_new

NAMED_ALONE: Final = frozenset({"simulated", "backpack"})  # A recording needs its file's name too.


def import_instance(log: FolderLog, settings: Settings, data: Path) -> int:
    """Make a new folder an instance of the log's commands, stopped, and give their count.

    FixableError where the folder holds anything, or the log cannot be imported; then nothing of it is left.
    """
    require_new(data)
    require_shards(log.name, log.shards, settings)
    require_whole(log)
    with new_instance(data) as folder, broker_of(folder, settings, report) as reached:
        return import_commands(log, folder, reached)


def require_shards(name: str, shards: int, settings: Settings) -> None:
    """Refuse another number of shards than a ledger has."""
    if "shards" in settings.model_fields_set and settings.shards != shards:
        raise FixableError(
            f"{name} is a ledger of {shards} shards, and REPRISE_SHARDS says {settings.shards}: the number of shards "
            f"is fixed for ever. Set REPRISE_SHARDS={shards}, or leave it out."
        )


def import_commands(log: FolderLog, folder: InstanceFolder, reached: Settings) -> int:
    """Write a whole log's commands to a folder's running broker, and to its `.env` what its next start must know.

    reached: the settings that reach the broker.
    """
    own = reached.model_copy(update={"shards": log.shards, "replication_factor": 1})
    count = append_log(log, own)
    lines = [f"REPRISE_SHARDS={log.shards}"] if log.shards != Settings.model_fields["shards"].default else []
    feed = _last_feed(log)
    if feed in NAMED_ALONE:
        # Open positions would else meet another market's prices: the tables that know of them are still empty.
        lines += [
            "# The feed of the log that was brought back. Without open positions it may be changed.",
            f"FEED={feed}",
        ]
    if lines:
        write_private(folder.data / FILE_NAME, "".join(f"{line}\n" for line in lines).encode())
    return count


def _last_feed(log: FolderLog) -> str | None:
    """Name the feed whose prices counted last."""
    last = None
    for record in commands_of(log, PRICE_SHARD):
        try:
            command = decode_command(record.value)
        except NotDecodable:
            continue  # Whoever executes it refuses it.
        if isinstance(command, SelectFeed):
            last = command.name
    return last
