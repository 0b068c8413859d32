"""The command by which one shard goes on by a version of the rules, and code that is older than that version."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, reduce
from importlib.resources import as_file, files
from operator import or_
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from audit.verify import arithmetic
from engine.core import rules
from schemas import codec, commands, events, snapshots
from schemas.commands import ActivateRules
from schemas.ids import broadcast_id

NEWEST: Final = 2
OLDER: Final = NEWEST - 1


def activate(version: int = NEWEST, shard: int = 0, broadcast: str | None = None) -> ActivateRules:
    """Give the activation of a version in a shard."""
    name = broadcast or f"rules-{version}"
    return ActivateRules(command_id=broadcast_id(name, shard), shard=shard, broadcast=name, version=version)


@contextmanager
def older_code() -> Iterator[None]:
    """Be code without the newest version for the length of a block."""
    with pytest.MonkeyPatch.context() as patch:
        take_newest_away(patch)
        yield


def older_program(main: str) -> str:
    """Give what a process runs that is without the newest version, in place of a service's own `main`."""
    return f"""
import pytest
from tests.activating import take_newest_away
take_newest_away(pytest.MonkeyPatch())
from {main} import main
from runtime.settings import Settings
main(Settings())
"""


def take_newest_away(patch: pytest.MonkeyPatch) -> None:
    """Leave of rules, audit, schemas and messages what there was before the newest version."""
    patch.delitem(rules.RULES, NEWEST)
    patch.delitem(arithmetic.RULES, NEWEST)
    patch.setattr(codec, "RULES_VERSION", OLDER)
    patch.setattr(codec, "schema_files", _older_schemas)
    patch.setattr(codec, "Command", _older(commands.Command))
    patch.setattr(codec, "Event", _older(events.Event))
    patch.setattr(codec, "codec", _older_codec)
    patch.setattr(snapshots, "_schemas", _older_manifests)


_READ: Final[Callable[[], codec.Codec]] = codec.codec.__wrapped__
_READ_MANIFESTS: Final[Callable[[], dict[bytes, Any]]] = snapshots._schemas.__wrapped__


@cache
def _older_codec() -> codec.Codec:
    """Read the older schemas, once; they are in place at the first call."""
    return _READ()


@cache
def _older_manifests() -> dict[bytes, Any]:
    """Read the older schemas of manifests, once."""
    return _READ_MANIFESTS()


@cache
def _older_schemas() -> Path:
    """Lay out the schemas released before the newest version."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-avro-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with as_file(files("schemas").joinpath("avro")) as released:
        for version in range(1, NEWEST):
            shutil.copytree(released / str(version), folder / str(version))
    return folder


def _older(union: Any) -> Any:
    """Give the messages of a union that have a schema among the older ones."""
    return reduce(or_, (each for each in get_args(union) if list(_older_schemas().glob(f"*/{each.__name__}.avsc"))))
