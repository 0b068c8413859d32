"""The audit finds a defect of one unit in the core, in the judging code or in the code that wrote the log.

Three judges. `bytes`: a log of the sound core, executed by a core with the defect. `mended`: a log that a core with the
defect wrote, executed by the sound one. `laws`: the same log executed by the core that wrote it, so that every byte
agrees; only the laws and the sums of the receipts are left to find it.
"""

from collections.abc import Callable, Iterator

import pytest

from audit.verify.verify import VerifyRequest, verify
from engine.core import apply, closing
from engine.core.margin import profit_of
from engine.core.state import State
from schemas.ledger_records import Account
from schemas.messages import Book, Leg, Side
from schemas.units import Micros
from tests.audit.edges import edge_log, write_edges
from tests.audit.logs import MemoryLog, busy_log, golden_log
from tests.properties.defect import Defect
from tests.properties.plant import DEFECTS, plant

LEGS = closing.legs_of
POST = apply._post


def _fee_to_the_house(*moves: tuple[Book, Book, Micros]) -> tuple[Leg, ...]:
    return LEGS(*((source, "HOUSE" if target == "FEES" else target, amount) for source, target, amount in moves))


def _a_micro_more_returned(*moves: tuple[Book, Book, Micros]) -> tuple[Leg, ...]:
    return LEGS(*((source, target, Micros(amount + (target == "CASH"))) for source, target, amount in moves))


def _insurance_into_fees(state: State, account: Account | None, book: Book, amount: Micros) -> None:
    POST(state, account, "FEES" if book == "INSURANCE" and amount > 0 else book, amount)


def _one_sided(state: State, account: Account | None, book: Book, amount: Micros) -> None:
    if book != "FEES":
        POST(state, account, book, amount)


def _shorts_gain_as_longs(side: Side, notional: int, entry_notional: int) -> int:
    del side
    return notional - entry_notional


OF_THE_BOOKS = (
    Defect("the closing fee goes to the house", LEGS, _fee_to_the_house),
    Defect("a micro too much returns", LEGS, _a_micro_more_returned),
    Defect("the insurance's money goes to the fees", POST, _insurance_into_fees),
    Defect("a fee leaves the trader and arrives nowhere", POST, _one_sided),
    Defect("a short gains when the price rises", profit_of, _shorts_gain_as_longs),
)
ALL = DEFECTS + OF_THE_BOOKS
# No law covers these once both cores have the defect: the order of triggered closes, the first µs of staleness,
# what may be set, and to which of its own books the house puts a fee.
BEYOND_THE_LAWS = {
    "triggers fire by age",
    "stops are not compared with the price",
    "the closing fee goes to the house",
    "the insurance's money goes to the fees",
}


def named(defect: Defect) -> str:
    return defect.name


def differs(log: MemoryLog) -> bool:
    return not verify(log, VerifyRequest(log.held, processes=1)).agrees


def sound_logs() -> Iterator[MemoryLog]:
    yield from (edge_log(), golden_log(), busy_log())


@pytest.fixture(autouse=True)
def _written_by_the_sound_core() -> None:
    """Made before anything is planted."""
    list(sound_logs())


@pytest.mark.pure
@pytest.mark.parametrize("defect", ALL, ids=named)
def test_bytes_a_core_with_the_defect_contradicts_the_log_of_a_sound_core(
    defect: Defect, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, defect)
    assert any(differs(log) for log in sound_logs())


@pytest.mark.pure
@pytest.mark.parametrize("defect", ALL, ids=named)
def test_mended_a_sound_core_contradicts_the_log_of_a_core_with_the_defect(
    defect: Defect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        plant(planted, defect)
        log = write_edges()
    assert differs(log)


@pytest.mark.pure
@pytest.mark.parametrize("defect", ALL, ids=named)
def test_laws_a_log_written_and_executed_with_the_defect_breaks_a_law_or_a_sum(
    defect: Defect, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, defect)
    log = write_edges()
    verdict = verify(log, VerifyRequest(log.held, processes=1))
    assert {difference.judge for difference in verdict.differences} <= {"laws", "fold"}
    assert verdict.agrees == (defect.name in BEYOND_THE_LAWS), verdict.differences


@pytest.mark.parametrize("log", [edge_log, golden_log, busy_log])
def test_without_a_planted_defect_the_audit_finds_no_difference(log: Callable[[], MemoryLog]) -> None:
    assert not differs(log())
