"""The program that signals a worker or its standby the moment its partner has ended."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final

import psutil
import structlog

from runtime.errors import FixableError
from runtime.logging import configure
from runtime.signals import PARTNER_IS_DEAD
from stack import supervisor
from stack.control import NoAnswer
from stack.instance import InstanceFolder
from stack.programs import engines, partner_of, standbys

log = structlog.get_logger(__name__)

PAUSE_S: Final = 0.1


def main(data: Path) -> None:
    """Watch every engine of the instance, until the process manager ends this."""
    configure("reports", "INFO")
    folder = InstanceFolder(data)
    instance = folder.read()
    assert instance is not None, "the manager runs what an instance was written for"
    for name, _ in engines(instance) + standbys(instance):
        Thread(target=_watch, args=(folder, name), daemon=True).start()
    while True:
        time.sleep(PAUSE_S)


def signal_partner(folder: InstanceFolder, name: str) -> None:
    """Signal the partner of an engine that has ended; the process manager itself would take a second to notice."""
    partner = partner_of(name)
    try:
        supervisor.send(folder, partner, PARTNER_IS_DEAD)
    except FixableError as error:
        log.warning("no partner runs", ended=name, error=str(error))
    else:
        log.info("partner signalled", ended=name, partner=partner)


def _watch(folder: InstanceFolder, name: str) -> None:
    ended: int | None = None
    while True:
        try:
            pid = next((process.pid for process in supervisor.processes(folder) if process.name == name), None)
        except NoAnswer as error:
            log.warning("the process manager is silent", watched=name, error=str(error))
            time.sleep(PAUSE_S)
            continue
        if pid is None or pid == ended:
            time.sleep(PAUSE_S)
            continue
        with suppress(psutil.NoSuchProcess):  # It ended before it was looked at.
            psutil.Process(pid).wait()
        signal_partner(folder, name)
        ended = pid


if __name__ == "__main__":
    main(Path(sys.argv[1]))
