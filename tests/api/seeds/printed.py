"""What the seeds' READMEs print, by line: requests, bodies and headers, stored as facts in data/printed.json."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FACTS: Final = Path(__file__).parent / "data" / "printed.json"


class PrintedRequest(NamedTuple):
    """A line that names a method with a path, calls curl, or opens a socket. port: null where it names none."""

    line: int
    method: str
    path: str
    port: int | None


class Body(NamedTuple):
    """A whole JSON object, from its first line to its last."""

    lines: list[int]
    content: dict[str, Any]


class Header(NamedTuple):
    """A header that curl is given on a line."""

    line: int
    name: str
    value: str


class Printed(NamedTuple):
    """What one README prints. size: how many lines it has; commands: those that say which of one path's commands."""

    size: int
    requests: list[PrintedRequest]
    commands: list[int]
    bodies: list[Body]
    headers: list[Header]


def printed_by(number: str) -> Printed:
    """Read one README's facts."""
    facts = json.loads(FACTS.read_text(encoding="utf-8"))[number]
    return Printed(
        facts["lines"],
        [PrintedRequest(**request) for request in facts["requests"]],
        facts["commands"],
        [Body(**body) for body in facts["bodies"]],
        [Header(**header) for header in facts["headers"]],
    )
