"""The cases that hold the screen's ticket to the engine are the engine's own decisions of today."""

import json
from collections import Counter

from tests.golden.order_cases import CASES, FILE, as_text

OF_THE_TICKET = {
    *("MARKET_HALTED", "MARKET_CLOSE_ONLY", "LEVERAGE_OUT_OF_RANGE", "AMOUNT_NOT_POSITIVE", "BELOW_MINIMUM"),
    *("ABOVE_MAXIMUM", "POSITION_NOTIONAL_LIMIT", "STOP_LOSS_WRONG_SIDE", "TAKE_PROFIT_WRONG_SIDE"),
    *("LIQUIDATABLE_AT_ONCE", "INSUFFICIENT_MARGIN", "ACCOUNT_NOTIONAL_LIMIT"),
}


def test_the_recorded_order_cases_are_what_the_core_decides() -> None:
    assert FILE.read_text(encoding="utf-8") == as_text(), "`python -P -m tests.golden.order_cases` writes them anew"


def test_the_order_cases_have_every_refusal_that_an_order_form_can_know_and_enough_that_open() -> None:
    cases = json.loads(FILE.read_text(encoding="utf-8"))
    refusals = Counter(refusal for case in cases for refusal in case["refusals"])
    assert set(refusals) == OF_THE_TICKET
    assert min(refusals.values()) >= 5
    assert sum(not case["refusals"] for case in cases) >= CASES // 20
    assert sum(case["opens"] is not None for case in cases) >= CASES // 2
