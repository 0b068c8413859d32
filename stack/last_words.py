"""Why a process ended: how, and the last line it wrote, as the manager's log has them."""

import json
import re
from typing import Final, NamedTuple

LAST_WORDS: Final = "last words of "
WORDS_MAX: Final = 300
_ENDED: Final = re.compile(
    r"exited: (?P<exited>\S+) \((?P<how>[^);]*)"
    rf"|{LAST_WORDS}(?P<said>\S+) (?P<words>\".*\")"
    r"|spawned: '(?P<spawned>[^']+)'"
)
# The places of a trace, and what a library says of what its owner's end left open.
_SAYS_NOTHING: Final = re.compile(r"\s|\.\.\. |at |.{0,40}\bUnclosed |client_session:|consumer:|producer:")


class Ends(NamedTuple):
    """Of each program: how often it was started, and how its last run ended."""

    starts: dict[str, int]
    why: dict[str, str]


def ends_of(manager_log: str) -> Ends:
    """Read the manager's log, which has a line for each start and end since the manager was started."""
    starts: dict[str, int] = {}
    how: dict[str, str] = {}
    words: dict[str, str] = {}
    for found in _ENDED.finditer(manager_log):
        if name := found["spawned"]:
            starts[name] = starts.get(name, 0) + 1
        elif name := found["exited"]:
            how[name] = found["how"]
            words.pop(name, None)
        elif name := found["said"]:
            words[name] = json.loads(found["words"])
    return Ends(starts, {name: f"{text}: {words[name]}" if name in words else text for name, text in how.items()})


def last_words(output: bytes) -> str:
    """The last line of an output that says something: not of a trace's places, and of a JSON line its sentence."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if not _SAYS_NOTHING.match(line)), "")
    with_fields = _fields(said)
    if with_fields is not None:
        error = str(with_fields.get("error") or with_fields.get("exception") or "").strip()
        said = ": ".join(filter(None, (str(with_fields.get("event", "")), error.splitlines()[-1] if error else "")))
    said = " ".join(said.split()).removeprefix("reprise: ")
    return said if len(said) <= WORDS_MAX else f"{said[:WORDS_MAX]}…"


def _fields(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
