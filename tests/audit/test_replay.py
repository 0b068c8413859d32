"""An account's replay: its steps are the log's, its ledgers those of `audit at`, and nobody else's events are in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest

from audit.explain.ledger_at import Moment, describe, ledger_at
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.log.log_reader import Batches, LogReader
from audit.replay import timeline, walk
from audit.replay.answers import ReplayRefused, StepsView, When
from audit.replay.price_history import CANDLES_MAX
from audit.replay.replays import Replays
from audit.replay.walk import StepView
from runtime.times import micros_of
from schemas.codec import decode_event
from schemas.sharding import shard_of
from tests.audit.edges import edge_log
from tests.audit.logs import MemoryLog, busy_log, golden_log, parts_log, second_log

LOGS = [golden_log, parts_log, second_log, edge_log, busy_log]


def replays_of(log: LogReader, **options: Any) -> Replays:
    return Replays(lambda: log, None, **options)


def accounts_of(log: MemoryLog) -> list[str]:
    """The accounts of a log, each in the shard in which it is looked for."""
    return [
        account
        for shard in range(log.shards)
        for account in ledger_at(log, shard, Moment(10**9, None)).accounts
        if shard_of(account, log.shards) == shard
    ]


def asked(replays: Replays, account: str, **given: Any) -> StepsView:
    options: dict[str, Any] = {"after": None, "before": None, "limit": 50, "period_ms": 0, "keep": None} | given
    return replays.steps(account, **options)


def all_steps(replays: Replays, account: str, **given: Any) -> list[StepView]:
    """Every step, page by page."""
    found: list[StepView] = []
    after: int | None = None
    while (page := asked(replays, account, after=after, **given)).steps:
        found += page.steps
        after = page.next
    return found


def plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


@pytest.mark.parametrize("make", LOGS)
def test_the_ledger_of_each_step_is_the_account_that_audit_at_shows(make: Any) -> None:
    log = make()
    for account in accounts_of(log)[:3]:
        shard = shard_of(account, log.shards)
        steps = all_steps(replays_of(log), account)
        assert steps[0].events[0].type == "AccountOpened"
        assert steps[0].before is None
        for step in steps[:: max(1, len(steps) // 12)]:
            expected = describe(ledger_at(log, shard, Moment(step.offset, None)), frozenset({account}))["accounts"]
            shown = plain(step.ledger)
            del shown["prices"]
            assert [shown] == expected, step.offset


@pytest.mark.parametrize("make", [golden_log, busy_log])
def test_the_steps_have_every_event_of_the_account_once_and_none_of_another(make: Any) -> None:
    log = make()
    for account in accounts_of(log)[:4]:
        shard = shard_of(account, log.shards)
        events = [decode_event(record.value) for record in log.parts[shard].events]
        own = [event.seq for event in events if event.account_id == account]
        others = {event.seq for event in events if event.account_id not in {None, account}}
        shown = [event for step in all_steps(replays_of(log), account) for event in step.events]
        assert [event.seq for event in shown if event.own] == own
        assert not others & {event.seq for event in shown}
        names = {event.account_id for event in events} - {None, account}
        text = msgspec.json.encode(shown).decode()
        assert not [name for name in names if name is not None and f'"{name}"' in text]


def test_pages_forward_and_backward_give_the_same_steps_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    log = busy_log()
    account = accounts_of(log)[1]
    whole = msgspec.json.encode(joined(all_steps(replays_of(log), account, limit=200)))
    for between, most in ((3, 128), (1, 4)):
        monkeypatch.setattr(walk, "STEPS_BETWEEN", between)
        monkeypatch.setattr(walk, "RECORDS_BETWEEN", 7 * between)
        monkeypatch.setattr(timeline, "PLACES_MAX", most)
        replays = replays_of(log)
        for limit in (7, 50):
            assert msgspec.json.encode(joined(all_steps(replays, account, limit=limit))) == whole
            assert msgspec.json.encode(joined(list(backward(replays, account, limit)))) == whole


def backward(replays: Replays, account: str, limit: int) -> Iterator[StepView]:
    """Every step, from the last page to the first."""
    pages: list[list[StepView]] = []
    before: int | None = 1 << 40
    while before is not None:
        page = asked(replays, account, before=before, limit=limit)
        pages.append(page.steps)
        before = page.previous
    return (step for steps in reversed(pages) for step in steps)


def joined(steps: list[StepView]) -> list[StepView]:
    """Steps of several pages, each without the ledger before it where that stands in the step before."""
    return [
        msgspec.structs.replace(step, before=None) if place and step.before == steps[place - 1].ledger else step
        for place, step in enumerate(steps)
    ]


def test_of_prices_the_first_in_each_period_is_listed_and_each_command_of_the_account() -> None:
    replays = replays_of(second_log())
    every = all_steps(replays, "ada")
    few = all_steps(replays, "ada", period_ms=60_000)
    assert [step.offset for step in every if step.kind != "price"] == [
        step.offset for step in few if step.kind != "price"
    ]
    prices = [step for step in every if step.kind == "price"]
    firsts: list[StepView] = []
    for step in prices:
        minute = micros_of(step.time) // 60_000_000
        if not firsts or micros_of(firsts[-1].time) // 60_000_000 != minute:
            firsts.append(step)
    assert 0 < len(firsts) < len(prices)
    assert [step.offset for step in few if step.kind == "price"] == [step.offset for step in firsts]
    left_out = next(step for step in prices if step.offset not in {each.offset for each in firsts})
    page = asked(replays, "ada", before=left_out.offset + 1, period_ms=60_000, keep=left_out.offset)
    assert page.steps[-1].ledger == left_out.ledger


@pytest.mark.parametrize("make", [second_log, parts_log])
def test_the_ledger_before_a_command_is_exact_where_prices_before_it_are_passed_over(make: Any) -> None:
    log = make()
    steps = all_steps(replays_of(log), "ada", period_ms=3_600_000)
    triggered = [place for place, step in enumerate(steps) if {"PricesUpdated"} < {event.type for event in step.events}]
    own = [place for place, step in enumerate(steps) if step.kind == "own"]
    assert triggered
    for place in {*triggered[:8], *own[1::12]}:
        before = plain(steps[place].before or steps[place - 1].ledger)
        del before["prices"]
        expected = describe(ledger_at(log, 0, Moment(steps[place].offset - 1, None)), frozenset({"ada"}))["accounts"]
        assert [before] == expected, steps[place].offset


def test_a_moment_is_a_time_an_offset_or_a_position_s_close() -> None:
    log = golden_log()
    replays = replays_of(log)
    steps = all_steps(replays, "ada")
    closing = next(step for step in steps for event in step.events if event.type == "PositionClosed")
    closed = next(event for event in closing.events if event.type == "PositionClosed")
    assert replays.overview("ada", When(position_id=closed.position_id)).place == closing.offset
    middle = steps[len(steps) // 2]
    found = replays.overview("ada", When(time=micros_of(middle.time)))
    assert micros_of(middle.time) == micros_of(next(step.time for step in steps if step.offset == found.place))
    assert replays.overview("ada", When(time=0)).place == steps[0].offset, "before all there is the opening"
    assert replays.overview("ada", When(offset=77)).place == 77
    with pytest.raises(ReplayRefused, match="no position 0-99999") as refused:
        replays.overview("ada", When(position_id="0-99999"))
    assert refused.value.status == 404
    overview = replays.overview("ada", When())
    assert overview.is_ready
    assert [mark.offset for mark in overview.marks] == [step.offset for step in steps if step.kind == "own"]
    assert overview.end is not None
    assert overview.end.offset == log.parts[0].commands[-1].offset


def test_an_account_that_is_not_in_the_log_is_refused() -> None:
    for question in (
        lambda replays: replays.overview("nobody", When()),
        lambda replays: asked(replays, "nobody"),
        lambda replays: replays.bundle("nobody"),
    ):
        with pytest.raises(ReplayRefused, match="no account nobody"):
            question(replays_of(golden_log()))


def test_a_command_is_given_in_words_to_its_account_only() -> None:
    log = busy_log()
    replays = replays_of(log)
    one, other, *_ = (account for account in accounts_of(log) if shard_of(account, log.shards) == 0)
    own = next(step for step in all_steps(replays, one) if "PositionOpened" in {event.type for event in step.events})
    command = replays.command(one, own.offset)
    assert command.type == "OpenPosition"
    assert command.words.startswith(("a long in", "a short in"))
    assert command.content is not None
    assert json.loads(command.content)["account_id"] == one
    with pytest.raises(ReplayRefused, match=f"is not one of account {other}"):
        replays.command(other, own.offset)
    price = next(step for step in all_steps(replays, one) if step.kind == "price")
    assert replays.command(one, price.offset).words.startswith("prices of")


def test_candles_have_the_mid_of_every_tick_of_the_symbol() -> None:
    log = golden_log()
    replays = replays_of(log)
    end = replays.overview("ada", When()).end
    assert end is not None
    history = replays.prices("ada", "BTC_USDC", 0, micros_of(end.time))
    assert 0 < len(history.candles) <= CANDLES_MAX
    ticks = [
        (tick.bid + tick.ask, event.time)
        for event in (decode_event(record.value) for record in log.parts[0].events)
        for tick in getattr(event, "accepted", ())
        if tick.symbol == "BTC_USDC"
    ]
    first, last = (f"{mid * 5 // 100}.{mid * 5 % 100:02d}" for mid in (ticks[0][0], ticks[-1][0]))
    assert (history.candles[0].open, history.candles[-1].close) == (first, last)
    with pytest.raises(ReplayRefused, match="no instrument NO_SUCH"):
        replays.prices("ada", "NO_SUCH", 0, 1)


def test_an_exported_folder_gives_the_same_bytes_as_its_log(tmp_path: Path) -> None:
    log = busy_log()
    export_log(log, tmp_path / "log", shard=None, to={})
    folder = FolderLog(tmp_path / "log")
    for account in accounts_of(log)[:4]:
        one, other = replays_of(log), replays_of(folder)
        for given in ({}, {"after": 30}, {"before": 90}, {"before": 1 << 40, "period_ms": 1_000}):
            assert msgspec.json.encode(asked(one, account, **given)) == msgspec.json.encode(
                asked(other, account, **given)
            )


def test_a_question_without_time_is_gone_on_with_by_the_next_one() -> None:
    replays = replays_of(golden_log(), patience_s=0)
    overview = replays.overview("ada", When())
    assert not overview.is_ready
    assert 0 < overview.read < overview.records
    with pytest.raises(ReplayRefused, match="still being read") as refused:
        asked(replays_of(golden_log(), patience_s=0), "ada")
    assert (refused.value.status, refused.value.retry_after) == (429, 1)


class HeldLog(MemoryLog):
    """A log whose events are read only once they may be."""

    def __init__(self, parts: list[Any]) -> None:
        super().__init__(parts)
        self.reading, self.may_read = Event(), Event()

    def events(self, shard: int, first: int) -> Batches:
        self.reading.set()
        assert self.may_read.wait(30)
        return super().events(shard, first)


def test_two_replays_are_worked_on_at_once_and_the_third_waits() -> None:
    log = HeldLog(busy_log().parts)
    replays = replays_of(log)
    one, two, three = accounts_of(busy_log())[:3]
    threads = []
    for account in (one, two):
        log.reading.clear()
        threads.append(Thread(target=replays.overview, args=(account, When())))
        threads[-1].start()
        assert log.reading.wait(30)
    with pytest.raises(ReplayRefused, match="2 replays are being worked on") as refused:
        replays.overview(three, When())
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("REPLAY_BUSY", 429, 1)
    assert replays.folding == 2
    log.may_read.set()
    for thread in threads:
        thread.join()
    assert replays.overview(three, When()).is_ready
    assert replays.folding == 0


def test_one_account_has_one_place_of_the_two() -> None:
    log = HeldLog(busy_log().parts)
    replays = replays_of(log, patience_s=0.2)
    account = accounts_of(busy_log())[0]
    thread = Thread(target=replays.overview, args=(account, When()))
    thread.start()
    assert log.reading.wait(30)
    with pytest.raises(ReplayRefused, match="Another question about this account"):
        replays.overview(account, When())
    assert replays.folding == 1
    log.may_read.set()
    thread.join()
