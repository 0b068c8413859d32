"""A recorded log, executed: what is kept beside it."""

from base64 import b64decode
from collections import Counter

from tests.replaying import Replay, execute


def replay(lines: list[str]) -> Replay:
    """Execute a log of one shard: each line is a command's time (µs) and its value in base64."""
    entries = (line.split() for line in lines)
    return execute(0, 1, ((int(time), b64decode(value)) for time, value in entries))


def summary_of(replay: Replay) -> dict[str, object]:
    """Give what is kept beside the log."""
    return {
        "commands": replay.state.next_offset,
        "events": dict(sorted(Counter(type(event).__name__ for event in replay.events).items())),
        "bytes": sum(len(value) for value in replay.values),
        "chain_digest": replay.values[-1][-16:].hex(),
    }
