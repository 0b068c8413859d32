"""Ten of the seeds' defects about money, planted in an engine for as long as one test runs."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest

from engine.core import margin, opening, stops
from engine.core.context import CommandContext
from engine.core.state import State
from engine.core.triggers import LIQUIDATION, TAKE_PROFIT, Trigger, TriggerIndex
from schemas.commands import OpenPosition
from schemas.events import Event
from schemas.ledger_records import Position, Quote
from schemas.messages import Instrument
from schemas.record import replace
from tests.properties.defect import Defect
from tests.properties.plant import REACHED, plant

FILL = opening._fill  # The planted code replaces a function without other callers.
REFUSE_TERMS = opening._refuse_terms
REFUSE_MARGIN = opening._refuse_margin
DECIDE_OPEN = opening.decide_open
SCALED_ABOVE: Final = 1_000_000  # ticks: 100,000 USDC of BTC


class Planted(NamedTuple):
    """A wrong function, and the test that must see it: its module among the seeds' tests, and its name.

    line: the text of the line that must fail; said: a pattern of its message. Any other failure proves nothing.
    """

    defect: Defect
    module: str
    test: str
    line: str
    said: str


def run_planted(name: str) -> None:
    """Run an engine with one of the defects: what a process of its own calls."""
    from cli.context import load_settings  # noqa: PLC0415
    from engine.shell.main import main  # noqa: PLC0415

    plant(pytest.MonkeyPatch(), next(planted.defect for planted in PLANTED if planted.defect.name == name))
    main(load_settings())


def _asks_only(command: OpenPosition, instrument: Instrument, quote: Quote) -> Any:
    return FILL(command, instrument, replace(quote, bid=quote.ask))


def _anyones(state: State, account_id: str, position_id: str) -> Position | None:
    del account_id
    return state.positions.get(position_id)


def _never_liquidates(index: TriggerIndex, bid: int, ask: int) -> list[Trigger]:
    return [trigger for trigger in REACHED(index, bid, ask) if trigger.kind != LIQUIDATION]


def _takes_at_once(index: TriggerIndex, bid: int, ask: int) -> list[Trigger]:
    reached = REACHED(index, bid, ask)
    everything = REACHED(index, 0, 10**12) + REACHED(index, 10**12, 0)
    early = {trigger for trigger in everything if trigger.kind == TAKE_PROFIT} - set(reached)
    return [*reached, *sorted(early)]


def _changed(change: Callable[[OpenPosition], dict[str, Any]]) -> Callable[..., Event]:
    def decide_open(state: State, command: OpenPosition, context: CommandContext) -> Event:
        return DECIDE_OPEN(state, replace(command, **change(command)), context)

    return decide_open


def _scaled(command: OpenPosition) -> dict[str, Any]:
    price = command.take_profit
    return {"take_profit": price // 10_000 if price is not None and price > SCALED_ABOVE else price}


def _rounded(command: OpenPosition) -> dict[str, Any]:
    return {"leverage": command.leverage // 100 * 100}


PLANTED: Final = (
    Planted(
        Defect("asks only", FILL, _asks_only),
        "test_seed_000_defects",
        "test_seed_000_b_a_long_opens_at_the_ask_and_a_short_at_the_bid",
        '["price"] == 149.99',
        r"assert 150 == 149\.99",
    ),
    Planted(
        Defect("no margin", REFUSE_MARGIN, lambda *_: None),
        "test_seed_000_defects",
        "test_seed_000_c_margin_is_checked_and_reserved",
        'refused = person.post("/trades", 409',
        r'^\{"orderId":"[0-9]+-[0-9]+"\}',
    ),
    Planted(
        Defect("no owner", stops.owned_position, _anyones),
        "test_seed_000_defects",
        "test_seed_000_e_only_the_owner_closes_a_trade",
        "assert (owner.figures(), other.figures()) == before",
        r"At index 0 diff: Figures\([^!]*open=0",
    ),
    Planted(
        Defect("no liquidation", REACHED, _never_liquidates),
        "test_seed_000_defects",
        "test_seed_000_j_a_position_is_liquidated_before_its_balance_is_negative",
        "row = eventually(",
        r"not in 10 s: .*'status': 'open'",
    ),
    Planted(
        Defect("takes at once", REACHED, _takes_at_once),
        "test_seed_001_defects",
        "test_seed_001_a_a_take_profit_above_the_market_does_not_fire_early",
        "assert person.figures().open == 2",
        r"assert [01] == 2",
    ),
    Planted(
        Defect("scaled prices", DECIDE_OPEN, _changed(_scaled)),
        "test_seed_001_defects",
        "test_seed_001_b_a_price_above_100000_is_kept_as_sent",
        'data = opened(person, asset="BTC_USDC", takeProfitPrice=110_000)',
        r"TAKE_PROFIT_WRONG_SIDE",
    ),
    Planted(
        Defect("whole leverage", DECIDE_OPEN, _changed(_rounded)),
        "test_seed_001_defects",
        "test_seed_001_h_fractional_leverage_is_exact",
        'assert (data["leverage"], data["quantity"]) == (22.5, 11.25)',
        r"assert \(22(\.0+)?, 11(\.0+)?\) == ",
    ),
    Planted(
        Defect("margin in cents", margin.margin_of, lambda notional, leverage: -(-notional // leverage)),
        "test_seed_003_defects",
        "test_seed_003_h_margin_and_balance_have_the_same_unit",
        "assert order(person, 409, qty=0.10001, leverage=1)",
        r'"message":"Order created"',
    ),
    Planted(
        Defect("no limits", REFUSE_TERMS, lambda *_: None),
        "test_seed_004_defects",
        "test_seed_004_e_leverage_type_and_slippage_are_checked",
        'assert opened(person, 400, **wrong)["code"] == code',
        r'^\{"positionId":"pos_|LEVERAGE_OUT_OF_RANGE',
    ),
    Planted(
        Defect("shorts gain", margin.profit_of, lambda _, notional, entry: notional - entry),
        "test_seed_004_defects",
        "test_seed_004_c_a_liquidated_short_loses",
        "assert list(person.figures()[:3]) == [4000, 0, 4000]",
        r"At index 0 diff: Decimal\('6500\.",
    ),
)
