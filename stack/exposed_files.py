"""Which files `.env` hold secrets that any user of the machine may read."""

import stat
from pathlib import Path

from runtime.setting_sources import env_files
from runtime.settings import Settings


def exposed_files(project: Path, data: Path | None) -> dict[str, str]:
    """Give what to say of each such file, by its path."""
    secret = {str(field.validation_alias) for field in Settings.model_fields.values() if not field.repr}
    found = {}
    for file in env_files(project, data):
        names = [name for name, value in file.known.items() if name in secret and value]
        if names and readable_by_others(file.path):
            found[str(file.path)] = (
                f"Any user of this machine may read {file.path}, which holds {' and '.join(names)}: chmod 600 it."
            )
    return found


def readable_by_others(path: Path) -> bool:
    """Say whether who is neither the owner nor of the group may read a file: it and the folders on its way."""
    path = path.absolute()
    modes = [folder.stat().st_mode for folder in path.parents]
    return bool(path.stat().st_mode & stat.S_IROTH) and all(mode & stat.S_IXOTH for mode in modes)
