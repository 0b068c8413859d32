"""An event of no position is explained in words and in the digits of its units, with its command's other events."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from audit.explain.explain import explain_name
from audit.explain.explain_event import EventExplanation, explain_event
from audit.explain.position_history import event_context
from audit.explain.refusals import OF_COMMANDS, OF_TICKS
from audit.log.export_log import export_log
from audit.log.log_reader import LogUnreadable
from cli.main import call
from runtime.errors import FixableError
from schemas.codec import decode_event
from schemas.events import (
    AccountLimitsSet,
    AllClosed,
    ClockSet,
    CommandRejected,
    Deposited,
    Event,
    InstrumentsDefined,
    OldestReduced,
    PositionClosed,
    PricesUpdated,
    RulesActivated,
    TickHeld,
)
from schemas.instruments import BY_SYMBOL
from schemas.rejections import Rejection, TickRefusal
from tests.audit.logs import MemoryLog, golden_log, parts_log, second_log
from tests.audit.test_explanation import events_of

ROOT = Path(__file__).parents[2]


def text_of(lines: EventExplanation) -> str:
    return "\n".join(line.text for line in lines.lines)


def lines(log: MemoryLog, event: Event) -> EventExplanation:
    return explain_event(event_context(log, f"0-{event.seq}"))


def first(log: MemoryLog, is_it: Callable[[Event], bool]) -> Event:
    return next(event for event in events_of(log) if is_it(event))


def digits(units: int, exponent: int) -> str:
    return f"{Decimal(units).scaleb(-exponent):.{exponent}f}"


def closes_of(log: MemoryLog, command_offset: int) -> list[PositionClosed]:
    return [
        event
        for event in events_of(log)
        if isinstance(event, PositionClosed) and event.command_offset == command_offset
    ]


def test_explaining_a_price_event_prints_its_prices_and_lists_every_close_the_tick_caused() -> None:
    log = golden_log()
    stopped = {
        event.command_offset
        for event in events_of(log)
        if isinstance(event, PositionClosed) and event.reason != "manual"
    }
    prices = [event for event in events_of(log) if isinstance(event, PricesUpdated) and event.command_offset in stopped]
    assert len(prices) > 3
    for event in prices[:4]:
        said = lines(log, event)
        for tick in event.accepted:
            exponent = BY_SYMBOL[tick.symbol].tick_exponent
            assert f"{tick.symbol}: bid {digits(tick.bid, exponent)}, ask {digits(tick.ask, exponent)}, " in text_of(
                said
            )
        closes = closes_of(log, event.command_offset)
        assert closes
        assert [(each.position_id, each.reason) for each in said.caused if each.type == "PositionClosed"] == [
            (each.position_id, each.reason) for each in closes
        ]
        for each in closes:
            why = each.reason.replace("_", " ")
            assert f"closed position {each.position_id} of account {each.account_id}, {why}: {each.side} " in text_of(
                said
            )
            assert f"profit {digits(each.profit, 6)} (event 0-{each.seq})" in text_of(said)


def test_explaining_a_refusal_prints_the_request_and_the_reason() -> None:
    event = first(golden_log(), lambda event: getattr(event, "rejection", 0) == Rejection.INSUFFICIENT_MARGIN)
    text = text_of(lines(golden_log(), event))
    assert f"of account {event.account_id}: CommandRejected" in text
    assert re.search(
        rf"Command {event.command_offset} \({event.command_id}\) asked for a (long|short) in [A-Z]+_USDC at [0-9.]+x, "
        r"for a margin of [0-9]+\.[0-9]{6} USDC",
        text,
    )
    assert "refused, and nothing changed: INSUFFICIENT_MARGIN, the account had not enough cash." in text


def test_explaining_a_refused_reduction_prints_the_quantity_in_the_position_s_digits() -> None:
    def is_refused_part(event: Event) -> bool:
        return isinstance(event, CommandRejected) and event.command == "ReducePosition" and event.rejection != 13

    text = text_of(lines(parts_log(), first(parts_log(), is_refused_part)))
    assert re.search(r"asked for closing [0-9]+\.[0-9]+ [A-Z]{3} of position 0-", text)


@pytest.mark.parametrize("log", [golden_log, parts_log, second_log], ids=["golden", "parts", "second"])
def test_no_explanation_of_an_event_is_printed_in_micros_ticks_or_lots(log: Callable[[], MemoryLog]) -> None:
    """One event of each type and refusal, and the request of every command."""
    kinds: dict[tuple[str, int], Event] = {}
    for event in events_of(log()):
        if not hasattr(event, "position_id"):
            kinds.setdefault((type(event).__name__, getattr(event, "rejection", 0)), event)
    assert len(kinds) > 15
    for event in kinds.values():
        said = lines(log(), event)
        assert said.type == type(event).__name__
        assert len(said.lines) > 2, said
        text = text_of(said)
        assert not re.search(r"\b(None|micros)\b|[0-9] (lots|ticks)\b", text), text
        for name in ("amount", "first_deposit"):
            if hasattr(event, name):
                assert f"{digits(getattr(event, name), 6)} USDC" in text


def test_explaining_held_ticks_halts_and_definitions_names_their_rules() -> None:
    rules = set(re.findall(r"\*\*([A-Z]+-\d+)\*\*", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")))
    assert {rule for rule, _ in (*OF_TICKS.values(), *OF_COMMANDS.values())} <= rules
    for log, kind, words in (
        (golden_log(), TickHeld, "held until another tick confirms it"),
        (golden_log(), InstrumentsDefined, "BTC_USDC: tick 0.1, lot 0.00001; 0.00001 to 100.00000 BTC a position"),
        (golden_log(), Deposited, "EXTERNAL → CASH: "),
        (parts_log(), OldestReduced, "the oldest first, were closed at "),
        (second_log(), AllClosed, "were closed, the oldest first"),
        (second_log(), ClockSet, "Log time was 2026-"),
        (second_log(), AccountLimitsSet, "From here on an account has at most "),
        (second_log(), RulesActivated, "From the next command on, version 2 of the rules is in force"),
    ):
        said = lines(log, first(log, lambda event, kind=kind: isinstance(event, kind)))  # type: ignore[misc]
        assert words in text_of(said)
        assert {line.rule for line in said.lines if line.rule is not None} <= rules


@pytest.mark.parametrize(
    ("rejection", "rule"), [(Rejection.PRICE_TOO_OLD, "PRICE-20"), (Rejection.TOO_MANY_POSITIONS, "OPEN-18")]
)
def test_a_refusal_of_version_2_is_explained_by_its_rule(rejection: Rejection, rule: str) -> None:
    said = lines(second_log(), first(second_log(), lambda event: getattr(event, "rejection", 0) == rejection))
    assert [line.rule for line in said.lines if rejection.name in line.text] == [rule]


@pytest.mark.parametrize(
    "refusal", [TickRefusal.NAMES_NO_TICK, TickRefusal.NOT_THE_LAST_TICK, TickRefusal.CLOCK_SUSPECT]
)
def test_a_mark_that_vouches_for_nothing_is_explained_by_price_18(refusal: TickRefusal) -> None:
    def has_refused(event: Event) -> bool:
        return any(tick.reason == refusal for tick in getattr(event, "refused", ()))

    said = lines(second_log(), first(second_log(), has_refused))
    assert {line.rule for line in said.lines if refusal.value in line.text} == {"PRICE-18"}


def test_every_rejection_has_an_explanation() -> None:
    assert set(OF_COMMANDS) == set(Rejection)
    assert set(OF_TICKS) == set(TickRefusal)


def test_a_name_without_a_flag_is_a_position_or_else_an_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "log"
    export_log(golden_log(), folder, shard=None, to={})
    closed = first(golden_log(), lambda event: isinstance(event, PositionClosed))
    refused = [event for event in events_of(golden_log()) if isinstance(event, CommandRejected)][-1]
    assert isinstance(closed, PositionClosed)
    assert call(["audit", "explain", closed.position_id, "--log", str(folder)]) == 0
    said = capsys.readouterr()
    assert f"Position {closed.position_id} of account" in said.out
    assert "--event explains the event of that name" in said.err
    assert call(["audit", "explain", f"0-{refused.seq}", "--log", str(folder)]) == 0
    said = capsys.readouterr()
    assert f"Event 0-{refused.seq}" in said.out
    assert "was refused, and nothing changed" in said.out
    assert "{" not in said.out
    assert said.err == ""
    assert call(["audit", "explain", f"0-{refused.seq}", "--log", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["command_offset"] == refused.command_offset
    assert call(["audit", "explain", "0-99999", "--log", str(folder)]) == 1
    assert "There is neither a position nor an event 0-99999" in capsys.readouterr().err
    assert call(["audit", "explain", "mine", "--log", str(folder)]) == 1
    assert "mine is no position's name; one looks like 0-12." in capsys.readouterr().err


@pytest.mark.parametrize("is_event", [False, True])
def test_a_name_in_an_unknown_shard_is_refused_with_the_held_shards(is_event: bool) -> None:
    with pytest.raises(FixableError, match="holds no shard 7; it holds 0"):
        explain_name(golden_log(), "7-12", is_event=is_event)


def test_an_event_of_a_position_is_explained_by_the_position() -> None:
    closed = first(golden_log(), lambda event: isinstance(event, PositionClosed))
    explanation, is_ambiguous = explain_name(golden_log(), f"0-{closed.seq}", is_event=True)
    assert getattr(explanation, "position_id", None) == getattr(closed, "position_id", "")
    assert not is_ambiguous


def test_an_event_of_a_contradictory_log_gives_an_error_without_a_traceback() -> None:
    log = golden_log().copy()
    log.parts[0].events = [
        each for each in log.parts[0].events if not isinstance(decode_event(each.value), InstrumentsDefined)
    ]
    held = first(golden_log(), lambda event: isinstance(event, TickHeld))
    with pytest.raises(LogUnreadable, match=f"0-{held.seq} cannot be explained"):
        explain_name(log, f"0-{held.seq}", is_event=True)
