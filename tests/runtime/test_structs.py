"""A process whose threads read the same kind of record for the first time at once does not crash."""

import signal
import subprocess
from types import SimpleNamespace
from typing import Final

import pytest

from cli import run as running
from cli.run import ServiceName
from runtime.python import python_command
from runtime.structs import prepare_structs
from schemas.plain_data import shapes

ROUNDS: Final = 400
PROGRAM: Final = """
import sys, threading
import msgspec
from runtime.structs import prepare_structs

sys.setswitchinterval(1e-6)


def read_at_once(is_prepared):
    leg = msgspec.defstruct("Leg", [("amount", int), ("book", str)])
    fill = msgspec.defstruct("Fill", [("price", int), ("leg", leg)])
    event = msgspec.defstruct("Event", [("seq", int), ("fill", fill | None), ("time", int)])
    if is_prepared:
        prepare_structs()
    start = threading.Barrier(4)

    def read(wait):
        start.wait()
        for _ in range(wait):
            pass
        msgspec.convert({"seq": 1, "fill": None, "time": 2}, event)

    threads = [threading.Thread(target=read, args=(30 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


for _ in range(int(sys.argv[1])):
    read_at_once(sys.argv[2] == "prepared")
print("done")
"""


def test_threads_that_read_a_prepared_record_at_once_do_not_crash_the_process() -> None:
    ended = read_at_once("prepared", ROUNDS)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr


@pytest.mark.slow
def test_threads_that_read_an_unprepared_record_at_once_crash_the_process() -> None:
    """The day a version of msgspec passes this, the preparation can go."""
    assert read_at_once("unprepared", 20_000).returncode == -signal.SIGSEGV


def read_at_once(how: str, rounds: int) -> "subprocess.CompletedProcess[str]":
    command = python_command("-c", PROGRAM, str(rounds), how)
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_the_shapes_of_the_log_s_records_are_made_before_threads_begin() -> None:
    shapes.cache_clear()
    prepare_structs()
    assert shapes.cache_info().currsize == 1


def test_a_service_knows_its_records_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(running, "load_settings", SimpleNamespace)
    monkeypatch.setattr(running, "prepare_structs", lambda: done.append("prepared"))
    monkeypatch.setattr(running, "_watch_cluster", lambda _: done.append("watches"))

    def module(name: str) -> SimpleNamespace:
        done.append(f"imported {name}")
        return SimpleNamespace(main=lambda _: done.append("began"))

    monkeypatch.setattr(running, "import_module", module)
    running.run(ServiceName.ENGINE)
    assert done == ["imported engine.shell.main", "prepared", "watches", "began"]
