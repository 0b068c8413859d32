"""A defect of the projector's row code is on both sides where rows are compared; the folded ledger contradicts it."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from audit.verify.tables import compare_tables
from projector.write.market_rows import MarketRows
from projector.write.rows import Books, Rows
from schemas.events import PositionOpened
from tests.audit.databases import migrated_database, projected
from tests.audit.logs import parts_log

POST = Books.post
MOVE = Rows._move
OPEN = Rows._open_position
CLOSE = Rows._close_position
INSURE = Rows._insure
REDUCE = Rows._reduce_position
UPDATE = MarketRows._update_prices


class Planted(NamedTuple):
    """A wrong method, and the table and field in which it shows."""

    name: str
    owner: type
    method: str
    planted: Callable[..., None]
    table: str
    field: str | None


def _margin_goes_astray(books: Books, event: Any) -> None:
    POST(books, event)
    moved = sum(leg.target == "MARGIN" for leg in event.legs)
    books.cash += moved
    books.used_margin -= moved


def _liquidated_a_tick_late(rows: Rows, shard: int, event: PositionOpened) -> None:
    OPEN(rows, shard, event)
    opened = rows.opened[-1]
    rows.opened[-1] = opened._replace(liquidation_price=1 + (opened.liquidation_price or 0))


def _line_of_a_micro_more(rows: Rows, *arguments: Any) -> None:
    count = len(rows.ledger)
    MOVE(rows, *arguments)
    for place in range(count, len(rows.ledger)):
        line = rows.ledger[place]
        rows.ledger[place] = line._replace(amount=line.amount + 1)


def _balance_of_a_micro_more(rows: Rows, *arguments: Any) -> None:
    count = len(rows.ledger)
    MOVE(rows, *arguments)
    for place in range(count, len(rows.ledger)):
        line = rows.ledger[place]
        rows.ledger[place] = line._replace(balance_after=line.balance_after + 1)


def _profit_of_a_micro_more(rows: Rows, shard: int, event: Any) -> None:
    CLOSE(rows, shard, event)
    closed = rows.closed[-1]
    rows.closed[-1] = closed._replace(realized_pnl=closed.realized_pnl + 1)


def _close_without_a_fill(rows: Rows, shard: int, event: Any) -> None:
    CLOSE(rows, shard, event)
    if event.profit == 0 or event.reason == "manual":
        rows.fills.pop()


def _close_without_a_receipt(rows: Rows, shard: int, event: Any) -> None:
    CLOSE(rows, shard, event)
    rows.receipts.pop()


def _fund_of_a_micro_more(rows: Rows, shard: int, event: Any) -> None:
    INSURE(rows, shard, event)
    fund = rows.insurance[shard]
    rows.insurance[shard] = fund._replace(received=fund.received + 1)


def _part_keeps_its_margin(rows: Rows, shard: int, event: Any) -> None:
    REDUCE(rows, shard, event)
    reduced = rows.reduced[event.position_id]
    rows.reduced[event.position_id] = reduced._replace(margin=reduced.margin + 1)


def _position_is_not_closed(rows: Rows, shard: int, event: Any) -> None:
    CLOSE(rows, shard, event)
    rows.closed.pop()


def _ask_is_the_bid(market: MarketRows, event: Any) -> None:
    UPDATE(market, event)
    for tick in event.accepted:
        market.prices[tick.symbol].ask = tick.bid


PLANTED = (
    Planted("a micro of a margin stays cash", Books, "post", _margin_goes_astray, "accounts", "cash"),
    Planted("a line says more", Rows, "_move", _line_of_a_micro_more, "ledger_entries", "the sum of amount"),
    Planted("a line's balance is more", Rows, "_move", _balance_of_a_micro_more, "ledger_entries", "balance_after"),
    Planted(
        "a profit is more", Rows, "_close_position", _profit_of_a_micro_more, "positions", "the sum of realized_pnl"
    ),
    Planted("a close has no fill", Rows, "_close_position", _close_without_a_fill, "fills", "the sum of realized_pnl"),
    Planted("a close has no receipt", Rows, "_close_position", _close_without_a_receipt, "receipts", None),
    Planted("the fund is more", Rows, "_insure", _fund_of_a_micro_more, "insurance", "received less paid"),
    Planted(
        "liquidation is a tick late", Rows, "_open_position", _liquidated_a_tick_late, "positions", "liquidation_price"
    ),
    Planted("a part's margin stays", Rows, "_reduce_position", _part_keeps_its_margin, "positions", "margin"),
    Planted("a position is not closed", Rows, "_close_position", _position_is_not_closed, "positions", None),
    Planted("the ask is the bid", MarketRows, "_update_prices", _ask_is_the_bid, "prices", "ask"),
)

SAMPLE = {"a micro of a margin stays cash", "a line says more", "a profit is more", "liquidation is a tick late"}


@pytest.fixture(scope="module")
def migrated(postgres: str) -> Iterator[str]:
    with migrated_database(postgres) as name:
        yield name


@pytest.mark.parametrize(
    "defect",
    [
        pytest.param(defect, id=defect.name, marks=() if defect.name in SAMPLE else pytest.mark.slow)
        for defect in PLANTED
    ],
)
def test_a_defect_of_the_projector_s_row_code_is_found_by_comparing_tables_with_the_ledger(
    defect: Planted, postgres: str, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(defect.owner, defect.method, defect.planted)
    with projected(postgres, migrated, parts_log()) as url:
        differences = compare_tables(parts_log(), 0, url, lambda _: None).differences
    assert (defect.table, defect.field) in {(difference.type, difference.field) for difference in differences}
    of_rows = [
        difference for difference in differences if "events say" in difference.what or "row is" in difference.what
    ]
    assert of_rows == [], "the projector's code agrees with itself"
