"""How the process ends at once where going on could do harm, and with which exit codes."""

import os
import sys
from typing import Final, NoReturn

import structlog

# The process manager starts a new process after either; they differ for whoever reads the log.
LOST_OWNERSHIP: Final = 3
CANNOT_COMMIT: Final = 4

log = structlog.get_logger(__name__)


def leave_at_once(code: int, reason: str, **facts: object) -> NoReturn:
    """End the process without any farewell: nothing is flushed to Kafka, nothing is left to a destructor.

    State in memory may be ahead of the committed events, so a restart, which replays, is the only right way on.
    """
    log.critical(reason, exit_code=code, **facts)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
