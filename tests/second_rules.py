"""A version 2 of the rules, planted as newer code would have it: no file of the package is touched.

The liquidation fee is half of what it was, rounded up; a `PositionClosed` says the rate it was taken at; a `Deposit`
may carry a note; there is an event of a new kind. All as CONTRIBUTING.md says to do it: a row, a nullable field,
schemas in a folder `avro/2`.
"""

import atexit
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, reduce
from importlib.resources import as_file, files
from operator import or_
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import pytest

from audit.verify import arithmetic
from audit.verify.arithmetic import MILLION, AuditRules, rounded_up
from engine.core import closing, rules
from engine.core.context import CommandContext
from engine.core.division import div_ceil
from engine.core.records import Position
from engine.core.rules import Rules
from engine.core.state import State
from schemas import codec, commands, events
from schemas.commands import ActivateRules
from schemas.ids import broadcast_id
from schemas.messages import CloseReason
from schemas.units import PPM, Micros, Ppm, Ticks

SECOND: Final = 2
CORE: Final = "engine.core"


class PositionClosed(events.PositionClosed, frozen=True, kw_only=True):
    """As before, and the rate the liquidation fee was taken at; null before version 2."""

    liquidation_fee_rate: int | None


class Deposit(commands.Deposit, frozen=True, kw_only=True):
    """As before, and a note."""

    note: str | None = None


class FeedPraised(events.FeedKept, frozen=True, kw_only=True):
    """An event that version 1 does not have, with the fields of a `FeedKept`."""


NEW_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "PositionClosed": {"name": "liquidation_fee_rate", "type": ["null", "long"], "default": None, "doc": "In ppm."},
    "Deposit": {"name": "note", "type": ["null", "string"], "default": None, "doc": "Whatever the client says of it."},
}


def activate(version: int = SECOND, shard: int = 0, broadcast: str | None = None) -> ActivateRules:
    """Give the command by which one shard goes on by a version."""
    name = broadcast or f"rules-{version}"
    return ActivateRules(command_id=broadcast_id(name, shard), shard=shard, broadcast=name, version=version)


@contextmanager
def second_rules() -> Iterator[None]:
    """Be newer code for the length of a block."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        yield


def plant(patch: pytest.MonkeyPatch) -> None:
    """Put version 2 wherever newer code would have it."""
    patch.setitem(rules.RULES, SECOND, Rules(liquidation_fee=half_of_the_fee))
    # The audit's arithmetic is its own, and learns a rule by itself.
    formula = "half of {notional} * {rate} rounded up"
    patch.setitem(
        arithmetic.RULES, SECOND, AuditRules(lambda notional, rate: rounded_up(notional * rate, 2 * MILLION), formula)
    )
    patch.setattr(codec, "schema_files", _schemas)
    patch.setattr(codec, "RULES_VERSION", SECOND)
    patch.setattr(codec, "Event", _with(events.Event, events.PositionClosed, PositionClosed) | FeedPraised)
    patch.setattr(codec, "Command", _with(commands.Command, commands.Deposit, Deposit))
    patch.setattr(codec, "codec", _codec)
    for name, module in list(sys.modules.items()):
        if name.startswith(CORE) and vars(module).get("closed") is _CLOSED:
            patch.setattr(module, "closed", closed)


def newer_code(main: str) -> str:
    """Give what a process runs that has version 2, in place of a service's own `main`."""
    return f"""
import pytest
from tests.second_rules import plant
plant(pytest.MonkeyPatch())
from {main} import main
from runtime.settings import Settings
main(Settings())
"""


def half_of_the_fee(notional: Micros, rate: Ppm) -> Micros:
    """Give the liquidation fee of version 2."""
    return Micros(div_ceil(notional * rate, 2 * PPM))


_READ: Final[Callable[[], codec.Codec]] = codec.codec.__wrapped__


@cache
def _codec() -> codec.Codec:
    """Read the schemas of both versions, once; the planted ones are in place at the first call."""
    return _READ()


_CLOSED: Final[Callable[..., events.PositionClosed]] = closing.closed


def closed(
    state: State, context: CommandContext, position: Position, reason: CloseReason, trigger_price: Ticks | None
) -> PositionClosed:
    """Close as before; from version 2 on the event has the rate."""
    event = _CLOSED(state, context, position, reason, trigger_price)
    said = state.rules_version >= SECOND and event.liquidation_fee > 0
    rate = position.liquidation_fee_rate if said else None
    return PositionClosed(**msgspec.structs.asdict(event), liquidation_fee_rate=rate)


def _with(union: Any, old: type, new: type) -> Any:
    return reduce(or_, (new if each is old else each for each in get_args(union)))


@cache
def _schemas() -> Path:
    """Lay the released schemas out beside those of version 2, which are copies with one field more."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-avro-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with as_file(files("schemas").joinpath("avro")) as released:
        shutil.copytree(released / "1", folder / "1")
    (folder / "2").mkdir()
    for name, field in NEW_FIELDS.items():
        schema = json.loads((folder / "1" / f"{name}.avsc").read_text())
        end = len(schema["fields"]) - (schema["fields"][-1]["name"] == codec.DIGEST_FIELD)
        schema["fields"].insert(end, field)
        (folder / "2" / f"{name}.avsc").write_text(json.dumps(schema))
    praised = json.loads((folder / "1" / "FeedKept.avsc").read_text()) | {"name": FeedPraised.__name__}
    (folder / "2" / "FeedPraised.avsc").write_text(json.dumps(praised))
    return folder
