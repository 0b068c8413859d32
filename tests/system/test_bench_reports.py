"""What a bench says: targets met and missed, a page of a recorded run, and a failure that does not end the others."""

from pathlib import Path

import msgspec
import pytest

from bench._runner import SIZES_OF_ALL, measured_all, names, report_of_process
from bench.report.figures import BenchReport, CpuUse, Figure, Sizes, judged
from bench.report.machine import Performance
from bench.report.page import PAGE, files_of
from bench.report.targets import TARGETS, Target
from cli.bench import recorded
from cli.bench_report import print_report, print_summary
from tests.house.project import ROOT
from tests.processes import reprise

RECORDED = Path(__file__).parents[1] / "data" / "performance.json"


def recorded_run() -> Performance:
    """A run that was kept, with one bench that failed and one that had no browser."""
    return msgspec.json.decode(RECORDED.read_bytes(), type=Performance)


def figure(name: str, value: float) -> Figure:
    return Figure(name=name, label=f"the {name}", value=value, unit="ms")


def report(bench: str, *figures: Figure, failure: str | None = None) -> BenchReport:
    return BenchReport(
        bench=bench,
        about="How fast is it?",
        sizes={"count": 1_000},
        load_average=(0.5, 1.0, 1.5),
        seconds=2.0,
        figures=judged(bench, figures),
        cpu=[CpuUse(what="at full speed", each="command", count=1_000, seconds={"engine": 0.02, "kafka": 0.01})],
        failure=failure,
    )


@pytest.mark.parametrize(
    ("target", "value", "is_met", "share"),
    [
        (Target("least", 600), 600.0, True, 1.0),
        (Target("least", 600), 599.0, False, 0.9983),
        (Target("most", 5), 5.0, True, 1.0),
        (Target("most", 5), 5.01, False, 0.998),
        (Target("most", 1), 0.0, True, 100.0),
    ],
)
def test_a_target_is_met_up_to_its_number_and_missed_beyond_that_number(
    target: Target, value: float, is_met: bool, share: float
) -> None:
    (found,) = judged("a bench", [figure("time", value)], {"a bench": {"time": target}})
    assert (found.is_met, found.share) == (is_met, share)


def test_a_figure_without_a_target_is_neither_met_nor_missed() -> None:
    (found,) = judged("latency", [figure("p999_ms", 1e9)])
    assert (found.is_met, found.target) == (None, None)


def test_the_runs_of_a_figure_are_kept_beside_their_median() -> None:
    found = Figure.of_runs("rate", "a rate", [30.0, 10.0, 20.0], "commands/s")
    assert (found.value, found.runs) == (20.0, (30.0, 10.0, 20.0))


def test_every_bench_with_a_target_exists() -> None:
    assert set(TARGETS) <= set(names())
    assert set(SIZES_OF_ALL) <= set(names())


def test_a_missed_target_is_printed_as_missed_and_a_met_one_as_met(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report("latency", figure("p50_ms", 4.9), figure("p99_ms", 15.1), figure("p999_ms", 20.0)))
    lines = capsys.readouterr().out.splitlines()
    (p50,) = (line for line in lines if "the p50_ms" in line)
    (p99,) = (line for line in lines if "the p99_ms" in line)
    (p999,) = (line for line in lines if "the p999_ms" in line)
    assert p50.split()[-3:] == ["≤", "5", "met"]
    assert p99.split()[-3:] == ["≤", "15", "missed"]
    assert p999.split()[-2:] == ["20", "ms"]
    assert "CPU, at full speed: 30 µs for one command (engine 20, kafka 10)" in lines
    assert "load average at the start 0.50 1.00 1.50" in lines[-1]


def test_a_page_says_of_a_planted_figure_that_its_target_is_missed() -> None:
    run = recorded_run()
    planted = Performance(machine=run.machine, benches=[report("latency", figure("p50_ms", 77.0), figure("p99_ms", 9))])
    page = files_of(planted)[PAGE]
    assert "1 of 2 met." in page
    assert "| [latency](#latency) | the p50_ms | 77 ms | ≤ 5 | **missed** |" in page
    assert "| [latency](#latency) | the p99_ms | 9 ms | ≤ 15 | met |" in page


def test_a_target_that_a_run_says_nothing_of_is_not_measured(capsys: pytest.CaptureFixture[str]) -> None:
    pure = report("core", figure("commands_per_second", 50_000))
    page = files_of(Performance(machine=recorded_run().machine, benches=[pure]))[PAGE]
    assert "0 of 1 met." in page
    assert "| [core](#core) | ratio | not measured | ≥ 3.5 |  |" in page
    print_report(pure)
    assert "not measured: ratio" in capsys.readouterr().out.splitlines()


def test_a_summary_names_each_missed_target_and_each_bench_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(
        [report("latency", figure("p50_ms", 77.0), figure("p99_ms", 9)), report("core", failure="a\nno broker")]
    )
    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 of 2 targets met",
        "missed: latency, the p50_ms: 77 ms, target ≤ 5",
        "failed: core: no broker",
    ]


def test_a_page_of_a_recorded_run_has_machine_figures_peers_and_load() -> None:
    run = recorded_run()
    page = files_of(run)[PAGE]
    assert run.machine.build in page
    for name, version in run.machine.versions.items():
        assert f"{name} {version}" in page
    for each in run.benches:
        section = page.partition(f"\n## {each.bench}\n")[2].partition("\n## ")[0]
        assert each.about in section
        assert "load average at the start" in section
        for one in each.figures:
            assert one.label in section
            assert one.peer is None or f"*{one.peer}: {one.label}*" in section
        assert section.count("- CPU, ") == len(each.cpu)


def test_a_page_names_a_bench_that_failed_and_one_that_could_not_be_measured() -> None:
    run = recorded_run()
    page = files_of(run)[PAGE]
    (failed,) = (each for each in run.benches if each.failure is not None)
    (absent,) = (each for each in run.benches if each.not_measured is not None)
    assert f"| [{failed.bench}](#{failed.bench}) | failed: {failed.failure} |" in page
    assert f"| [{absent.bench}](#{absent.bench}) | not measured: {absent.not_measured} |" in page


def test_the_plots_of_a_page_are_drawings_that_it_shows() -> None:
    files = files_of(recorded_run())
    plots = {name.rpartition("/")[2]: text for name, text in files.items() if name.endswith(".svg")}
    assert len(plots) == 3
    for name, text in plots.items():
        assert f"](images/{name})" in files[PAGE]
        assert text.startswith("<svg ")
        assert text.endswith("</svg>\n")
        assert "nan" not in text
    (targets,) = (text for name, text in plots.items() if "targets" in name)
    assert targets.count('<rect class="met"') + targets.count('<rect class="missed"') == sum(
        one.target is not None for each in recorded_run().benches for one in each.figures
    )


def test_the_page_of_this_project_is_made_of_the_figures_kept_beside_the_page() -> None:
    for name, text in files_of(recorded(ROOT)).items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, "`./reprise documents` makes it anew"


def test_a_bench_that_fails_does_not_keep_the_others_from_being_measured() -> None:
    asked: list[tuple[str, Sizes]] = []
    shown: list[str] = []

    def measure(name: str, sizes: Sizes) -> BenchReport:
        asked.append((name, sizes))
        return report(name, failure="no broker" if name == "core" else None)

    found = measured_all({"soak": {"orders_first": 64}}, lambda each: shown.append(each.bench), measure)
    assert [each.bench for each in found] == shown == names()
    assert [each.bench for each in found if each.failure is not None] == ["core"]
    assert dict(asked)["soak"] == {"minutes": SIZES_OF_ALL["soak"]["minutes"], "orders_first": 64}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("count=0", "count is a whole number from 1 to 100,000,000"),
        ("count=-5", "count is a whole number from 1 to"),
        ("count=9999999999", "count is a whole number from 1 to"),
        ("count", "count is a whole number from 1 to"),
        ("nope=3", "the bench core has the sizes count, turns"),
    ],
)
def test_a_size_that_cannot_be_is_refused_with_those_that_can(size: str, said: str) -> None:
    refused = reprise("bench", "core", "--size", size, timeout=60)
    assert (refused.returncode, said in refused.stderr) == (1, True)


def test_a_bench_in_a_process_of_its_own_gives_its_report_or_why_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = report_of_process("codec", {"count": 200, "turns": 1})
    assert (found.failure, found.sizes) == (None, {"count": 200, "turns": 1})
    assert found.figures
    broken = report_of_process("order", {"count": 10**8})
    assert broken.failure is not None
    assert "choose a smaller count" in broken.failure
    assert broken.figures == []
    monkeypatch.setattr("bench._runner.TIMEOUT_S", 0.1)
    late = report_of_process("core", {"count": 10**6})
    assert late.failure == "It was not done after 0 s."
