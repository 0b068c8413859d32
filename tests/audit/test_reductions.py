"""The audit of a log with closed parts: it agrees, finds a wrong sum, and explains every sum."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest

from audit.explain.explain import explain
from audit.explain.position_history import history_of
from audit.export.statements import rows_of
from audit.verify.expected_rows import COLUMNS, ExpectedRows
from audit.verify.running_laws import RunningLaws
from audit.verify.verify import VerifyRequest, verify
from engine.core.laws import broken
from engine.core.state import genesis
from engine.core.step import step
from projector.write.chain import ChainEntry
from schemas.codec import command_in, decode_event
from schemas.commands import ReducePosition
from schemas.events import OldestReduced, PositionClosed, PositionOpened, PositionReduced
from schemas.record import replace
from schemas.units import Micros
from tests.audit.edges import edge_log
from tests.audit.logs import MemoryLog, parts_log
from tests.audit.test_explanation import MICRO, events_of, numbers, text_of, usdc
from tests.audit.test_running_laws import Shard
from tests.spec.language import ALICE


def test_a_log_with_closed_parts_is_verified() -> None:
    log = parts_log()
    assert verify(log, VerifyRequest(log.held, processes=1)).agrees


def test_running_laws_and_full_laws_hold_in_a_log_with_closed_parts() -> None:
    state = genesis(0, 1)
    laws = RunningLaws(state)
    for record in parts_log().parts[0].commands:
        command = command_in(record.value, 1)
        events = step(state, command, offset=record.offset, time=record.timestamp_ms * 1_000)
        assert laws.broken_by(command, events) == []
        assert broken(state) == []


def half_of(shard: Shard) -> PositionReduced:
    """Close half of the shard's first position."""
    size = shard.state.positions["0-1"].quantity
    command = ReducePosition(
        command_id=shard.exchange.new_id(), account_id=ALICE, position_id="0-1", quantity=size // 2
    )
    (event,) = shard.exchange.succeed(command)
    assert isinstance(event, PositionReduced)
    return event


@pytest.mark.parametrize("field", ["profit", "fee", "released", "returned", "requirement", "entry_notional"])
def test_a_wrong_number_on_the_receipt_of_a_part_is_named(field: str) -> None:
    shard = Shard()
    event = half_of(shard)
    wrong = replace(event, **{field: getattr(event, field) + 1})
    (sentence,) = shard.judged([wrong])
    assert sentence.startswith(f"receipt of 0-1: {field} is {getattr(wrong, field)}, and the sums give")


def test_a_position_that_differs_from_the_rest_in_its_event_is_named() -> None:
    shard = Shard()
    event = half_of(shard)
    shard.state.positions["0-1"].margin = Micros(shard.state.positions["0-1"].margin + 1)
    assert "law 5: position 0-1 is not what its event has left of it" in shard.judged([event])


def test_an_overdue_position_is_found_behind_a_position_whose_liquidation_price_moved() -> None:
    shard = Shard()
    shard.send(shard.order())
    shard.tick(49_900)
    assert shard.judged([half_of(shard)]) == []
    shard.state.triggers.remove(shard.state.positions["0-2"])
    assert shard.tick(49_200) == ["law 4: position 0-2 is liquidatable and open"]


@pytest.mark.parametrize("log", [parts_log(), edge_log()], ids=["parts", "edges"])
def test_every_sum_in_an_explanation_of_a_part_is_right(log: MemoryLog) -> None:
    parts = [event for event in events_of(log) if isinstance(event, PositionReduced)]
    assert len(parts) > 5
    for event in parts:
        text = text_of(explain(history_of(log, event.position_id)))
        text = text[text.index(f"(event 0-{event.seq}, ") :]
        quantity, price, notional = numbers("Notional of the part: N * N = N USDC", text)
        assert quantity * price == notional == usdc(event.notional)
        one, other, profit = numbers("Profit of the part: N - N = N", text)
        assert one - other == profit == usdc(event.profit)
        base, rate, fee = numbers("Fee of the part: N * N rounded up = N", text)
        assert (base * rate).quantize(MICRO, ROUND_CEILING) == fee == usdc(event.fee)
        rest, leverage, initial, _, maintained, required, margin, floor, least, _, fee_rate, last_fee, stays = numbers(
            "the greatest of N / N = N, N * N = N, N * N = N and N * N = N, each rounded up: N", text
        )
        sums = (rest / leverage, rest * maintained, margin * floor, rest * fee_rate)
        assert tuple(each.quantize(MICRO, ROUND_CEILING) for each in sums) == (initial, required, least, last_fee)
        assert max(initial, required, least, last_fee) == stays
        posted, part, size, share, equity, less, spare, released = numbers(
            "the share N * N / N rounded down = N and N of equity - N = N, and not below 0: N", text
        )
        assert (posted * part / size).quantize(MICRO, ROUND_FLOOR) == share
        assert equity - less == spare
        assert max(Decimal(0), min(share, spare)) == released == usdc(event.released)
        net, freed, returned = numbers("To cash: N + N = N", text)
        assert net + freed == returned == usdc(event.returned)
        before, gained, paid, gone, left = numbers("Margin of the rest: N + N - N - N = N;", text)
        assert before + gained - paid - gone == left == usdc(event.margin_left)


def test_the_expected_rows_give_a_position_the_summed_result_of_its_parts() -> None:
    log, rows = parts_log(), ExpectedRows(0)
    expected: dict[str, int] = {}
    left: dict[str, int] = {}
    for record in log.parts[0].events:
        event = decode_event(record.value)
        rows.add(ChainEntry(0, record.offset, record.value, event))
        match event:
            case PositionOpened():
                left[event.position_id] = event.quantity
            case PositionReduced():
                expected[event.position_id] = expected.get(event.position_id, 0) + event.profit
                left[event.position_id] = event.quantity_left
            case PositionClosed():
                total = expected.get(event.position_id, 0) + event.profit + event.shortfall
                expected[event.position_id] = total
            case _:
                pass
    positions = rows.content()["positions"]
    columns = COLUMNS["positions"]
    found = {key[0]: dict(zip(columns, row, strict=True)) for key, row in positions.items()}
    assert {key: row["realized_pnl"] for key, row in found.items() if row["realized_pnl"] is not None} == expected
    assert {key: row["quantity"] for key, row in found.items()} == left


def test_a_statement_lists_each_part_and_sums_to_the_balance() -> None:
    log = parts_log()
    sums: dict[str, Decimal] = {}
    kinds = set()
    for row in rows_of(log, "statements", (0,), None):
        account = row["account_id"]
        sums[account] = sums.get(account, Decimal(0)) + Decimal(row["amount"])
        assert sums[account] == Decimal(row["balance_after"])
        kinds.add((row["kind"], row["quantity"] is None, row["reason"]))
    assert {("realized_pnl", False, "manual"), ("fee", False, "manual")} <= kinds


def test_a_fill_of_a_reduction_names_the_command_that_requested_the_reduction() -> None:
    log, rows = parts_log(), ExpectedRows(0)
    several: set[tuple[int, int]] = set()
    for record in log.parts[0].events:
        event = decode_event(record.value)
        rows.add(ChainEntry(0, record.offset, record.value, event))
        if isinstance(event, OldestReduced):
            several |= {(0, event.seq + number) for number in range(1, event.positions + 1)}
    columns = COLUMNS["fills"]
    assert several
    for key, row in rows.content()["fills"].items():
        fill = dict(zip(columns, row, strict=True))
        assert (fill["order_id"] is None) == (fill["reason"] not in (None, "manual"))
        assert key not in several or fill["reason"] == "manual"
