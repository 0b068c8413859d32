"""The benches of core, engine, snapshot, recovery and screen run whole on small ledgers and give every number."""

import json
from typing import Any

import pytest

from schemas.compiled import is_compiled
from tests.api.browser import browser
from tests.processes import reprise

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TIMEOUT_S = 350.0
ACCOUNTS = 2_000
LEDGER = (f"accounts={ACCOUNTS}", f"positions={ACCOUNTS}")


def numbers_of(name: str, *sizes: str) -> dict[str, Any]:
    """What `reprise bench NAME --json` prints, on a broker of its own."""
    given = [part for size in sizes for part in ("--size", size)]
    result = reprise("bench", name, "--json", *given, timeout=TIMEOUT_S)
    assert result.returncode == 0, result.stdout + result.stderr
    numbers: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return numbers


def test_the_bench_of_the_core_gives_its_numbers() -> None:
    numbers = numbers_of("core", "count=2000")
    beside = {"pure", "ratio", "missed"} if is_compiled() else set()
    assert numbers.keys() == {"build", "commands_per_second"} | beside
    assert numbers["commands_per_second"] > 0


def test_the_bench_of_the_codec_gives_its_numbers() -> None:
    numbers = numbers_of("codec", "count=500")
    assert numbers["events"] >= 500
    for place in ("us", "fastavro_us", "ratio"):
        assert numbers[place].keys() == {"encode", "decode"}
        assert all(number > 0 for number in numbers[place].values())


def test_the_bench_of_the_engine_gives_its_numbers() -> None:
    numbers = numbers_of("engine", "count=2000")
    assert numbers.keys() == {
        "commands_per_second",
        "quix_records_per_second",
        "ratio",
        "answer_seconds_p50",
        "answer_seconds_p99",
        "command_seconds_p99",
    }
    assert all(number > 0 for number in numbers.values())
    assert numbers["answer_seconds_p50"] <= numbers["answer_seconds_p99"]
    assert numbers["command_seconds_p99"] < numbers["answer_seconds_p99"], "the core is a part of an answer"


def test_the_bench_of_a_snapshot_gives_its_numbers() -> None:
    numbers = numbers_of("snapshot", *LEDGER)
    assert numbers.keys() == {
        *("max_pause_ms", "max_pause_ms_without", "p999_pause_ms", "p999_pause_ms_without"),
        *("max_own_ms", "max_own_ms_without", "seconds", "bytes", "compressed_bytes", "accounts", "positions"),
        "commands_meanwhile",
    }
    assert all(number > 0 for number in numbers.values())
    assert (numbers["accounts"], numbers["positions"] > 0) == (ACCOUNTS, True)
    assert numbers["compressed_bytes"] < numbers["bytes"]


def test_the_bench_of_a_recovery_gives_its_numbers() -> None:
    numbers = numbers_of("recovery", *LEDGER, "commands=2000")
    assert numbers.keys() == {
        *("seconds", "seconds_without_tail", "tail_commands_per_second", "standby_seconds", "silence_seconds"),
        *("parts", "tail_commands", "accounts", "positions", "bytes_per_account", "bytes_per_position"),
        "resident_bytes",
    }
    parts = numbers["parts"]
    assert list(parts) == ["start", "join", "fence", "load", "index", "tail", "first_command"]
    assert all(seconds >= 0 for seconds in parts.values())
    assert (numbers["accounts"], numbers["positions"], numbers["tail_commands"]) == (ACCOUNTS, ACCOUNTS, ACCOUNTS)
    assert sum(parts.values()) == pytest.approx(numbers["seconds"], abs=0.05), "the parts are all of it"


def test_the_bench_of_the_screen_gives_its_numbers() -> None:
    browser()
    numbers = numbers_of("web", "positions=5", "rows=300", "seconds=3")
    assert (numbers["positions"], numbers["rows_read"], numbers["seconds"]) == (5, 300, 3)
    assert 0 < numbers["rows_in_document"] <= 100
    for name in ("first_paint_ms", "first_load_bytes", "ticks_per_second", "frames_per_second"):
        assert numbers[name] > 0, name
    assert 0 <= numbers["frames_behind_p50"] <= numbers["frames_behind_most"]
    assert numbers["missed"] == [name for name, most in numbers["targets"].items() if numbers[name] > most]
