"""Which schemas the wheel carries: every Avro schema ever released, and of each message's newest a JSON Schema."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

Schema = dict[str, Any]


def avro_schemas() -> dict[str, dict[int, Schema]]:
    """Give every Avro schema this client carries: by the message's name, and the rules version that first wrote it.

    Those of a snapshot's pages, `LedgerHead` and `AccountsPage`, have the number of the snapshot's format.
    """
    found: dict[str, dict[int, Schema]] = {}
    avro = _schemas().joinpath("avro")
    for folder in (*avro.iterdir(), *avro.joinpath("state").iterdir()):
        if not folder.name.isdigit():
            continue
        for file in folder.iterdir():
            found.setdefault(file.name.removesuffix(".avsc"), {})[int(folder.name)] = json.loads(
                file.read_text(encoding="utf-8")
            )
    return found


def json_schema(name: str) -> Schema:
    """Give the JSON Schema of an event's fields, e.g. of `PositionClosed`."""
    text = _schemas().joinpath("json", f"{name}.schema.json").read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema


def _schemas() -> Traversable:
    return files("reprise_client").joinpath("schemas")
