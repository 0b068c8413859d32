"""Requests, bodies and headers are read from the seeds' READMEs by line, where those lie beside this project."""

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

READMES: Final = Path(__file__).parents[4] / "shared" / "seeds"

_NAMED: Final = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/:.-]*)")
_CURL: Final = re.compile(r"curl (?:-X ([A-Z]+) )?https?://localhost:(\d+)(/\S*)")
_SOCKET: Final = re.compile(r"wss?://localhost:(\d+)(\S*)")
_COMMAND: Final = re.compile(r'"command": "')
_HEADER: Final = re.compile(r'-H "([\w-]+): ([^"]*)"')


class PrintedRequest(NamedTuple):
    """A line that is a request. port: null where the line names none."""

    line: int
    method: str
    path: str
    port: int | None


class Body(NamedTuple):
    """A JSON object, from its first line to its last."""

    lines: list[int]
    content: dict[str, Any]


def lines_of(number: str) -> list[str]:
    """The README's lines; the first is line 1 of the entries."""
    return (READMES / f"seed-{number}.md").read_text(encoding="utf-8").split("\n")[:-1]


def requests_of(lines: list[str]) -> list[PrintedRequest]:
    """Each line that names a method with a path, calls curl, or opens a socket."""
    found = []
    for number, line in enumerate(lines, start=1):
        if curl := _CURL.search(line):
            found.append(PrintedRequest(number, curl[1] or "GET", curl[3], int(curl[2])))
        elif socket := _SOCKET.search(line):
            found.append(PrintedRequest(number, "WS", socket[2], int(socket[1])))
        elif named := _NAMED.search(line):
            found.append(PrintedRequest(number, named[1], named[2], None))
    return found


def bodies_of(lines: list[str]) -> list[Body]:
    """Each JSON object that is whole; a reply with `...` in it is none."""
    found, decoder = [], json.JSONDecoder()
    text, begins = "\n".join(lines), 0
    while (at := text.find("{", begins)) >= 0:
        begins = at + 1
        try:
            content, begins = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            continue
        if content:
            found.append(Body([*range(text.count("\n", 0, at) + 1, text.count("\n", 0, begins) + 2)], content))
    return found


def headers_of(lines: list[str], numbers: list[int]) -> dict[str, str]:
    """The headers that curl is given on some of the lines."""
    return {match[1]: match[2] for number in numbers if (match := _HEADER.search(lines[number - 1]))}


def commands_of(lines: list[str]) -> list[int]:
    """The lines that say which of one path's commands is meant."""
    return [number for number, line in enumerate(lines, start=1) if _COMMAND.search(line)]
