"""The process manager, as an instance runs it: a full disk does not end it, and what fails is tried again for ever."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from supervisor import loggers, supervisord
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

from stack.last_words import LAST_WORDS, last_words

PAUSE_MAX_S: Final = 30.0
TAIL_BYTES: Final = 16_384


def main() -> None:
    """Run supervisord with the arguments of this process."""
    roll_over, change_state, spawn, finish = (
        loggers.RotatingFileHandler.doRollover,
        Subprocess.change_state,
        Subprocess.spawn,
        Subprocess.finish,
    )

    def lose_line(_handler: Any) -> None:
        """Lose a line that could not be written. It would be written to stderr, which is on the same full disk."""

    def roll_over_or_go_on(handler: Any) -> None:
        try:
            roll_over(handler)
        except (OSError, ValueError):
            with suppress(OSError):
                handler.reopen()

    def change_state_and_pause(process: Any, state: int, expected: bool = True) -> Any:  # As there.
        changed = change_state(process, state, expected)
        if state == ProcessStates.BACKOFF:
            process.delay = min(process.delay, time.time() + PAUSE_MAX_S)
        return changed

    def spawn_and_remember(process: Any) -> Any:
        process.log_began = _size(process)
        return spawn(process)

    def finish_and_note(process: Any, pid: int, status: int) -> None:
        finish(process, pid, status)
        words = last_words(_tail(process))
        if words:
            process.config.options.logger.info(f"{LAST_WORDS}{process.config.name} {json.dumps(words)}")  # noqa: G004  # Its way.

    loggers.Handler.handleError = lose_line
    loggers.RotatingFileHandler.doRollover = roll_over_or_go_on
    Subprocess.change_state = change_state_and_pause
    Subprocess.spawn = spawn_and_remember
    Subprocess.finish = finish_and_note
    supervisord.main()


def _size(process: Any) -> int:
    file = Path(process.config.stdout_logfile)
    return file.stat().st_size if file.exists() else 0


def _tail(process: Any) -> bytes:
    """What the process wrote last in this run of it."""
    try:
        with Path(process.config.stdout_logfile).open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            # Cut at its limit and begun anew, a log is shorter than it was.
            began = process.log_began if process.log_began <= end else 0
            log.seek(max(began, end - TAIL_BYTES))
            return log.read()
    except OSError:
        return b""


if __name__ == "__main__":
    main()
