"""The benches run whole on small sizes, with real parts, and give every figure; how fast they are is not asserted."""

import re
from pathlib import Path

import msgspec
import pytest

from bench._instance import SERVICES
from bench._runner import names
from bench.report.figures import BenchReport
from bench.report.targets import TARGETS
from schemas.compiled import is_compiled
from tests.api.browser import browser
from tests.processes import reprise

TIMEOUT_S = 550.0
ACCOUNTS = 2_000
LEDGER = (f"accounts={ACCOUNTS}", f"positions={ACCOUNTS}")

slow = pytest.mark.slow
pytestmark = pytest.mark.timeout(600)


def report_of(name: str, *sizes: str) -> BenchReport:
    """What `reprise bench NAME --json` prints, on a broker of its own."""
    given = [part for size in sizes for part in ("--size", size)]
    result = reprise("bench", name, "--json", *given, timeout=TIMEOUT_S)
    assert result.returncode == 0, result.stdout + result.stderr
    report = msgspec.json.decode(result.stdout.splitlines()[-1], type=BenchReport)
    assert report.bench == name
    assert report.sizes.items() >= {size.partition("=")[0]: int(size.partition("=")[2]) for size in sizes}.items()
    assert report.seconds > 0
    for use in report.cpu:
        assert use.count > 0
        assert sum(use.seconds.values()) > 0, use.what
    return report


def figures_of(report: BenchReport) -> dict[str, float]:
    """The figures by name, of which each that has a target is judged."""
    found = {figure.name: figure.value for figure in report.figures}
    assert len(found) == len(report.figures), "no name twice"
    assert {figure.name for figure in report.figures if figure.target is not None} == set(TARGETS.get(report.bench, ()))
    return found


def test_the_bench_of_the_core_gives_its_figures_beside_the_pure_build() -> None:
    if not is_compiled():
        pytest.skip("the pure build has no other beside it")
    figures = figures_of(report_of("core", "count=2000"))
    assert figures.keys() == {"commands_per_second", "pure_per_second", "ratio"}
    assert min(figures.values()) > 0


def test_the_bench_of_the_codec_gives_its_figures_beside_fastavro() -> None:
    figures = figures_of(report_of("codec", "count=500"))
    assert figures.keys() == {
        f"{prefix}{name}{suffix}"
        for name in ("encode", "decode")
        for prefix, suffix in (("", "_us"), ("fastavro_", "_us"), ("", "_ratio"))
    }
    assert min(figures.values()) > 0


@slow
def test_the_bench_of_the_engine_gives_its_figures_beside_quix_streams_and_a_raw_copy() -> None:
    figures = figures_of(report_of("engine", "count=4000", "turns=1"))
    assert figures.keys() == {
        *("commands_per_second", "quix_per_second", "raw_per_second", "ratio_to_quix", "ratio_to_raw", "core_us"),
    }
    assert min(figures.values()) > 0


@slow
def test_the_bench_of_the_latency_gives_its_figures_beside_a_round_trip() -> None:
    report = report_of("latency", "seconds=2", "turns=2", "warm_up=2")
    figures = figures_of(report)
    assert figures.keys() == {f"{prefix}{name}_ms" for prefix in ("", "bare_") for name in ("p50", "p99", "p999")}
    for prefix in ("", "bare_"):
        assert 0 < figures[f"{prefix}p50_ms"] <= figures[f"{prefix}p99_ms"] <= figures[f"{prefix}p999_ms"]
    assert all(len(figure.runs) == 2 for figure in report.figures)
    assert [(use.what, set(use.seconds), use.count) for use in report.cpu] == [
        ("engine", {"engine", "kafka"}, 4_000),
        ("round trip", {"kafka"}, 4_000),
    ]


@slow
def test_the_bench_of_a_tick_gives_its_figures() -> None:
    report = report_of("tick", "positions=3000", "liquidated=200", "ticks=100", "turns=2")
    figures = figures_of(report)
    assert figures.keys() == {"many_us", "few_us", "untriggered_ratio", "liquidated_ms"}
    assert min(figures.values()) > 0
    assert [(use.each, use.count) for use in report.cpu] == [("liquidation", 400)]


@slow
def test_the_bench_of_the_projector_gives_its_figures_beside_copy() -> None:
    report = report_of("projector", "events=4000", "turns=2")
    figures = figures_of(report)
    assert figures.keys() == {"events_per_second", "copy_per_second", "ratio"}
    assert min(figures.values()) > 0
    assert set(report.cpu[0].seconds) == {"projector", "kafka", "postgres"}


@slow
def test_the_bench_of_many_sockets_gives_its_figures() -> None:
    figures = figures_of(report_of("fanout", "sockets=20", "seconds=2", "turns=2"))
    assert figures.keys() >= {"messages_per_second", "delivered_per_socket", "delivery_p50_ms", "api_cpu_percent"}
    assert 0 < figures["delivery_p50_ms"] <= figures["delivery_p99_ms"]
    assert 0 < figures["delivered_per_socket"] <= 1.2 * figures["ticks_per_second"], "no more than the feed sends"


@slow
def test_the_bench_of_a_soak_gives_its_figures() -> None:
    figures = figures_of(report_of("soak", "minutes=1", "orders_first=64"))
    assert figures.keys() >= {f"memory_{name}_mb" for name in SERVICES}
    assert figures["minutes"] == 1
    assert figures["orders_per_second"] == pytest.approx(figures["full_per_second"] / 2, rel=0.1)
    assert figures["log_bytes"] > 100, "a command and an event"
    memory = sum(figures[f"memory_{name}_mb"] for name in SERVICES)
    assert figures["memory_mb"] == pytest.approx(memory, rel=0.01)


@slow
def test_the_bench_of_a_snapshot_gives_its_figures() -> None:
    figures = figures_of(report_of("snapshot", *LEDGER, "turns=1"))
    for when in ("", "_without"):
        assert 0 < figures[f"p999_pause{when}_ms"] <= figures[f"longest_pause{when}_ms"]
        assert figures[f"own_pause{when}_ms"] > 0
    assert min(figures[name] for name in ("seconds", "bytes_per_position", "snapshot_mb", "positions")) > 0


@slow
def test_the_bench_of_a_recovery_gives_its_figures() -> None:
    figures = figures_of(report_of("recovery", *LEDGER, "commands=2000"))
    parts = [
        figures[f"{part}_seconds"] for part in ("start", "join", "fence", "load", "index", "tail", "first_command")
    ]
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(figures["seconds"], abs=0.05), "the parts are all of it"
    assert figures["seconds_without_tail"] < figures["seconds"]
    assert min(figures["standby_seconds"], figures["silence_seconds"], figures["resident_mb"]) > 0


@slow
def test_the_bench_of_the_screen_gives_its_figures() -> None:
    browser()
    figures = figures_of(report_of("web", "positions=5", "rows=300", "seconds=3"))
    assert figures["rows_read"] == 300
    assert 0 < figures["rows_in_document"] <= 100
    for name in ("first_paint_ms", "first_load_bytes", "ticks_per_second", "frames_per_second"):
        assert figures[name] > 0, name
    assert 0 <= figures["frames_behind_p50"] <= figures["frames_behind_most"]


def test_every_bench_has_a_test_here_or_beside_what_it_measures() -> None:
    tested = set(re.findall(r'report_of\("(\w+)"', Path(__file__).read_text(encoding="utf-8")))
    assert tested | {"order", "replay"} == set(names())


def test_a_bench_that_is_not_there_and_a_size_it_does_not_have_are_named() -> None:
    for arguments, said in (
        (("nothing",), "There is no bench nothing"),
        (("core", "--size", "nothing=1"), "the bench core has the sizes count, turns"),
        (("all", "--size", "core.nothing=1"), "the bench core has the sizes count, turns"),
        (("core", "--page"), "--page is for `bench all`"),
    ):
        result = reprise("bench", *arguments, timeout=60)
        assert (result.returncode, said in result.stderr) == (1, True), result.stderr
