"""What each message and each record inside one means: the docstring of its class, which its newest Avro file carries.

A field is explained in the Avro file alone, with its unit.
"""

import inspect
import json
from collections.abc import Iterator
from typing import Any, Final, get_args

from schemas.codec import released_schemas
from schemas.commands import Command
from schemas.events import Event
from schemas.messages import AliveMark, Instrument, Leg, RefusedTick, Tick
from schemas.snapshots import SnapshotManifest
from schemas.venue import VenueMessage, VenueOrder, VenueTrade

MESSAGES: Final[tuple[type, ...]] = (*get_args(Event), *get_args(Command), *get_args(VenueMessage), SnapshotManifest)
RECORDS: Final = (AliveMark, Instrument, Leg, RefusedTick, Tick, VenueOrder, VenueTrade)
_MEANINGS: Final = {each.__name__: " ".join((inspect.getdoc(each) or "").split()) for each in (*MESSAGES, *RECORDS)}


def explained_schemas() -> Iterator[tuple[str, str]]:
    """Give each message's newest Avro file with its explanations made anew: its path below `schemas/avro`, its text."""
    for message in MESSAGES:
        released = released_schemas(message.__name__)
        version = max(released)
        text = json.dumps(_explained(released[version]), indent=2, ensure_ascii=False)
        yield f"{version}/{message.__name__}.avsc", f"{text}\n"


def _explained(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_explained(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    explained = {name: _explained(value) for name, value in schema.items()}
    if schema.get("type") == "record":
        explained["doc"] = _MEANINGS[schema["name"]]
    return explained
