"""An explanation names the tick, the rule and the sums; here each sum is worked out anew from its own text."""

import json
import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from functools import cache
from pathlib import Path

import pytest

from audit.explain.explain import Explanation, explain
from audit.explain.position_history import history_of
from audit.log.export_log import export_log
from cli.main import call
from runtime.errors import FixableError
from schemas.codec import decode_event
from schemas.events import Event, PositionClosed, PositionOpened
from tests.audit.edges import edge_log
from tests.audit.logs import MemoryLog, busy_log, golden_log

ROOT = Path(__file__).parents[2]
NUMBER = r"-?\d+(?:\.\d+)?"
MICRO = Decimal("0.000001")
LOGS = (golden_log, busy_log, edge_log)


def events_of(log: MemoryLog) -> Iterator[Event]:
    for part in log.parts:
        for record in part.events:
            yield decode_event(record.value)


@cache
def closings() -> list[tuple[MemoryLog, PositionClosed, Explanation]]:
    """Every position of the three logs that closed, explained."""
    return [
        (log(), event, explain(history_of(log(), event.position_id)))
        for log in LOGS
        for event in events_of(log())
        if isinstance(event, PositionClosed)
    ]


def text_of(explanation: Explanation) -> str:
    return "\n".join(line.text for line in explanation.lines)


def usdc(micros: int) -> Decimal:
    return Decimal(micros) * MICRO


def up(amount: Decimal) -> Decimal:
    return amount.quantize(MICRO, ROUND_CEILING)


def numbers(pattern: str, text: str) -> list[Decimal]:
    """The numbers a line of the text has in the places marked N."""
    found = re.search(re.sub(r"\bN\b", lambda _: f"({NUMBER})", re.escape(pattern)), text)
    assert found is not None, f"{pattern!r} is not in:\n{text}"
    return [Decimal(group) for group in found.groups()]


def test_the_explained_closes_include_every_reason_and_a_shortfall() -> None:
    reasons = {explanation.reason for _, _, explanation in closings()}
    assert reasons == {"manual", "stop_loss", "take_profit", "liquidation"}
    assert any(event.insurance_paid and event.written_off for _, event, _ in closings())


def test_every_sum_in_an_explanation_of_a_close_is_right() -> None:
    for _, event, explanation in closings():
        text = text_of(explanation)
        quantity, price, notional = numbers("Exit notional: N * N = N USDC", text)
        lots, ticks, value, micros = numbers("(N lots * N ticks * N = N micros)", text.partition("Exit notional")[2])
        assert lots * ticks * value == micros == notional / MICRO == event.notional
        one, other, profit = numbers("Profit: N - N = N", text)
        assert one - other == profit == usdc(event.profit)
        margin, added, equity = numbers("Equity: margin N + profit N = N", text)
        assert margin + added == equity == usdc(event.equity)
        of_notional = numbers("the greater of N * N rounded up = N and N * N rounded up = N: N", text)
        assert up(of_notional[0] * of_notional[1]) == of_notional[2]
        assert up(of_notional[3] * of_notional[4]) == of_notional[5]
        assert max(of_notional[2], of_notional[5]) == of_notional[6] == usdc(event.requirement)
        base, rate, full, left, fee = numbers("the lesser of N * N rounded up = N and what is left, N: N", text)
        assert (up(base * rate), min(full, left)) == (full, fee)
        assert left == max(Decimal(0), equity)
        had, paid, returned = numbers("Returned to cash: N - N = N", text)
        assert had - paid == returned == usdc(event.returned)
        if event.shortfall:
            short, insured, written_off = numbers("Shortfall: N = N paid by INSURANCE + N written off", text)
            assert short == insured + written_off == -equity
        assert quantity * price == notional


def test_the_numbers_of_an_explanation_are_those_of_the_receipt() -> None:
    for log, event, explanation in closings():
        said = explanation.numbers
        for field in ("profit", "equity", "requirement", "fee", "liquidation_fee", "returned", "written_off"):
            assert Decimal(said[field]) == usdc(getattr(event, field)), (log.name, explanation.event_id, field)


def test_an_explanation_names_the_rules_of_the_close_and_each_is_in_the_rules_document() -> None:
    known = set(re.findall(r"\*\*([A-Z]+-\d+)\*\*", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")))
    expected = {"liquidation": "LIQ-04", "stop_loss": "TRIG-01", "take_profit": "TRIG-02", "manual": "CLOSE-01"}
    for _, event, explanation in closings():
        assert set(explanation.rules) <= known
        assert expected[event.reason] in explanation.rules
        if event.reason != "liquidation" and event.equity < event.requirement:
            assert "LIQ-05" in explanation.rules


def test_an_explanation_compares_the_price_with_the_trigger_in_the_right_direction() -> None:
    for _, event, explanation in closings():
        if event.reason == "manual":
            continue
        found = re.search(
            rf"Why: ({NUMBER}) ([≤≥]) (?:liquidation price|stop loss|take profit) ({NUMBER})", text_of(explanation)
        )
        assert found is not None
        price, sign, level = Decimal(found[1]), found[2], Decimal(found[3])
        assert price <= level if sign == "≤" else price >= level
        assert (sign == "≤") == ((event.side == "long") != (event.reason == "take_profit"))


def test_an_explanation_names_the_tick_and_the_previous_tick_of_the_log() -> None:
    for _, event, explanation in closings():
        text = text_of(explanation)
        (offset,) = numbers("The tick (command N, source time", text)
        assert offset == event.tick_offset
        if "The accepted tick before it" in text:
            assert numbers("before it (command N)", text)[0] < offset


def test_an_open_position_is_explained_by_the_prices_that_would_close_the_position() -> None:
    closed = {event.position_id for _, event, _ in closings()}
    opened = next(
        event
        for event in events_of(golden_log())
        if isinstance(event, PositionOpened) and event.position_id not in closed
    )
    explanation = explain(history_of(golden_log(), opened.position_id))
    assert explanation.event_id is None
    assert "It is open. Now it would close at" in text_of(explanation)


@pytest.mark.parametrize(("name", "why"), [("0-999999", "was ever opened"), ("mine", "no position's name")])
def test_an_unknown_position_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(FixableError, match=why):
        history_of(golden_log(), name)


def test_audit_explain_explains_a_position_or_an_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "log"
    export_log(golden_log(), folder, shard=None, to={})
    closed = next(event for log, event, _ in closings() if log is golden_log())
    assert call(["audit", "explain", closed.position_id, "--log", str(folder)]) == 0
    assert "CLOSE-06  Returned to cash:" in capsys.readouterr().out
    assert call(["audit", "explain", f"0-{closed.seq}", "--event", "--log", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["position_id"], said["event_id"]) == (closed.position_id, f"0-{closed.seq}")
    assert call(["audit", "explain", "0-1", "--event", "--log", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "InstrumentsDefined"
    assert call(["audit", "explain", "0-99999", "--event", "--log", str(folder)]) == 1
    assert "There is no event 0-99999" in capsys.readouterr().err
