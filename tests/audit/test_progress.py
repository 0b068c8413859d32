"""The progress of an audit: bars on a terminal, lines in a file, and a summary at the end."""

import json
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from audit.log.export_log import export_log
from audit.verify.progress import PlannedTask, ProgressListener
from audit.verify.verify import From, VerifyRequest, verify
from cli.audit_report import Bars, Lines, progress_on
from cli.main import call
from tests.audit.logs import busy_log, golden_log
from tests.audit.test_verify import flipped


class Notes(ProgressListener):
    """Keeps every progress report."""

    def __init__(self) -> None:
        self.plan: list[PlannedTask] = []
        self.counts: list[int] = []
        self.ended: list[tuple[int, bool]] = []

    def begin(self, plan: Sequence[PlannedTask]) -> None:
        self.plan = list(plan)

    def advance(self, counts: Sequence[int]) -> None:
        self.counts = list(counts)

    def end(self, number: int, seconds: float, *, agrees: bool) -> None:
        assert seconds > 0
        self.ended.append((number, agrees))


def last_bars(out: StringIO) -> list[str]:
    """Give the bars as they were drawn last."""
    return [re.findall(rf"shard 0 {question} .*", out.getvalue())[-1].rstrip() for question in ("events", "fold")]


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_progress_reports_the_planned_records_and_each_finished_question(processes: int, tmp_path: Path) -> None:
    log, notes = busy_log(), Notes()
    assert verify(log, VerifyRequest(log.held, processes=processes), notes).agrees
    questions = [(shard, question) for shard in log.held for question in ("events", "fold")]
    assert [(each.shard, each.question) for each in notes.plan] == questions
    assert sorted(notes.ended) == [(number, True) for number in range(len(questions))]
    read = [len(getattr(part, topic)) for part in log.parts for topic in ("commands", "events")]
    assert notes.counts == read
    assert all(count <= each.records_max for each, count in zip(notes.plan, notes.counts, strict=True))


@pytest.mark.parametrize(("start", "commands"), [("genesis", 700), ("snapshot", 100)])
def test_progress_bars_begin_at_the_start_of_replay_end_full_and_show_the_rate(start: From, commands: int) -> None:
    log, out = golden_log(), StringIO()
    with Bars(Console(file=out, force_terminal=True, color_system=None, width=100)) as bars:
        verify(log, VerifyRequest(log.held, start=start, processes=1), bars)
    first, second = last_bars(out)
    assert f"{commands}/{commands} " in first
    assert "819/819 " in second, "control records of transactions are never read, and do not count in the end"
    for line in (first, second):
        assert line.endswith("/s"), line


def test_a_progress_bar_stops_at_the_place_of_a_difference() -> None:
    log, out = golden_log().copy(), StringIO()
    log.parts[0].events[450] = flipped(log.parts[0].events[450], 90)
    with Bars(Console(file=out, force_terminal=True, color_system=None, width=100)) as bars:
        assert not verify(log, VerifyRequest(log.held, processes=1), bars).agrees
    first, second = last_bars(out)
    assert "300/700" in first
    assert "300/930" in second


def test_without_a_terminal_progress_is_a_line_every_few_seconds_and_one_at_the_end() -> None:
    now, out = 0.0, StringIO()
    with Lines(Console(file=out), clock=lambda: now) as lines:
        lines.begin([PlannedTask(shard, question, 1_000) for shard in (0, 1) for question in ("events", "fold")])
        lines.advance([100, 0, 0, 0])
        now = 5.0
        lines.advance([900, 0, 0, 0])
        now = 9.0
        lines.advance([1_000, 800, 0, 0])
        lines.end(1, 2.0, agrees=True)
        now = 10.0
        lines.advance([1_000, 800, 500, 100])
        now = 12.0
    assert out.getvalue().splitlines() == [
        "5 s: events 900 of 2,000, fold 0 of 2,000; 180 records/s",
        "10 s: events 1,500 of 2,000, fold 900 of 1,800; 240 records/s",
        "12 s: events 1,500 of 2,000, fold 900 of 1,800; 200 records/s",
    ]


def test_progress_is_lines_in_a_file_and_bars_on_a_terminal() -> None:
    assert isinstance(progress_on(Console(file=StringIO())), Lines)
    assert isinstance(progress_on(Console(file=StringIO(), force_terminal=True)), Bars)


def test_audit_verify_verifies_one_shard_from_its_snapshot_and_prints_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_log(busy_log(), tmp_path / "log", shard=None, to={})
    asked = ["audit", "verify", "--log", str(tmp_path / "log"), "--shard", "2", "--json"]
    assert call([*asked, "--from", "snapshot"]) == 0
    said = capsys.readouterr()
    verdict = json.loads(said.out)
    (shard,) = verdict["shards"]
    commands, events = (len(getattr(busy_log().parts[2], topic)) for topic in ("commands", "events"))
    assert (verdict["start"], shard["shard"], shard["commands"]) == ("snapshot", 2, commands - 120)
    assert shard["started_at"] > 1
    assert f"events {commands - 120} of {commands - 120}, fold {events} of {events}; " in said.err
    assert call(asked) == 0
    said = capsys.readouterr()
    (shard,) = json.loads(said.out)["shards"]
    assert (shard["started_at"], shard["commands"], shard["events"]) == (1, commands, events)
    assert f"events {commands} of {commands}" in said.err
    assert call([*asked, "--shard", "9"]) == 1
    assert "holds no shard 9; it holds 0, 1, 2, 3" in capsys.readouterr().err
