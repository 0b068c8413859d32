"""Which outputs a standby has made and the log does not have yet, for when it has to commit them itself."""

from collections import deque
from time import monotonic
from typing import Final

from engine.core.batch import Output
from schemas.codec import digest_of

# Ahead of the owner by so many events, a standby waits; the owner is behind then, and silence says so long before.
COMMANDS_MAX: Final = 100_000


class UncommittedOutputs:
    """The events of whole commands, in order, that follow on the last event known to be committed.

    since: from when on there was always one of them, by the monotonic clock; null while there is none.
    """

    def __init__(self, committed_seq: int) -> None:
        self.since: float | None = None
        self._committed_seq = committed_seq
        self._commands: deque[tuple[int, list[Output]]] = deque()

    @property
    def has_room(self) -> bool:
        """Whether more commands may be executed."""
        return len(self._commands) < COMMANDS_MAX

    def put(self, commands: list[list[Output]], oldest_ms: int) -> None:
        """Keep the events of some commands; the oldest was appended at this time (ms)."""
        self._commands.extend((oldest_ms, outputs) for outputs in commands)
        self.since = self.since or monotonic()

    def drop_up_to(self, seq: int) -> bytes:
        """Forget what was committed up to this event, which is one of them, and give its digest.

        Where it is in the middle of a command, the rest of that command's events stays.
        """
        while True:
            oldest_ms, outputs = self._commands.popleft()
            left = self._committed_seq + len(outputs) - seq
            if left >= 0:
                break
            self._committed_seq += len(outputs)
        self._committed_seq = seq
        committed = len(outputs) - left
        if left:
            self._commands.appendleft((oldest_ms, outputs[committed:]))
        if not self._commands:
            self.since = None
        return digest_of(outputs[committed - 1][1])

    def skip_to(self, seq: int) -> None:
        """Forget everything: the owner is further, and what comes next follows on this event."""
        self._commands.clear()
        self._committed_seq = seq
        self.since = None

    def hand_over(self) -> tuple[list[list[Output]], int]:
        """Give the events that are left, by command, and when the oldest command was appended (ms, 0 for none)."""
        oldest_ms = self._commands[0][0] if self._commands else 0
        commands = [outputs for _, outputs in self._commands]
        self.skip_to(self._committed_seq + sum(map(len, commands)))
        return commands, oldest_ms
