"""Each kind of event becomes its rows."""

from typing import Any

import pytest

from projector.tables.ledger_tables import commands, fills, ledger_entries, positions
from projector.write.chain import ChainEntry
from projector.write.market_rows import MarketRows
from projector.write.rows import Rows
from schemas import ids
from schemas.commands import (
    AmendStops,
    ClosePosition,
    Deposit,
    OpenAccount,
    OpenPosition,
    Withdraw,
)
from schemas.events import PositionClosed, PositionOpened
from schemas.rejections import Rejection
from tests.activating import activate
from tests.projector.streams import NOON, SECOND, USDC, Exchange

ALICE = "alice"
TICK = {"BTC_USDC": 500_000}


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(shards=1)
    exchange.open_markets()
    exchange.open_account(ALICE, 1_000 * USDC)
    return exchange


def long_btc(command_id: str = "open", **terms: Any) -> OpenPosition:
    fields: dict[str, Any] = {"symbol": "BTC_USDC", "side": "long", "margin": 100 * USDC, "leverage": 1_000} | terms
    return OpenPosition(command_id=command_id, account_id=ALICE, **fields)


def rows_of(exchange: Exchange) -> Rows:
    rows = Rows({}, MarketRows({}), {})
    for shard, events in enumerate(exchange.events):
        for offset, event in enumerate(events):
            rows.add(ChainEntry(shard, offset, b"", event))
    return rows


def named(table: Any, rows: Any) -> list[dict[str, Any]]:
    return [dict(zip(table.c.keys(), row, strict=True)) for row in rows]


def lines(rows: Rows) -> list[tuple[str, int, int]]:
    return [(row["kind"], row["amount"], row["balance_after"]) for row in named(ledger_entries, rows.ledger)]


def test_an_opened_account_has_its_first_deposit_as_its_first_line(exchange: Exchange) -> None:
    rows = rows_of(exchange)
    books = rows.books[ALICE]
    assert (books.cash, books.used_margin, books.opened_at, books.account_seq) == (
        1_000 * USDC,
        0,
        NOON + 2 * SECOND,
        1,
    )
    assert lines(rows) == [("deposit", 1_000 * USDC, 1_000 * USDC)]


def test_an_account_opened_without_a_deposit_has_no_line(exchange: Exchange) -> None:
    exchange.open_account("poor", 0)
    rows = rows_of(exchange)
    assert rows.books["poor"].cash == 0
    assert {row["account_id"] for row in named(ledger_entries, rows.ledger)} == {ALICE}


def test_deposits_and_withdrawals_are_signed_lines(exchange: Exchange) -> None:
    exchange.ask(Deposit(command_id="in", account_id=ALICE, amount=7))
    exchange.ask(Withdraw(command_id="out", account_id=ALICE, amount=3))
    rows = rows_of(exchange)
    assert lines(rows)[1:] == [("deposit", 7, 1_000 * USDC + 7), ("withdrawal", -3, 1_000 * USDC + 4)]
    assert rows.books[ALICE].account_seq == 3


def test_an_opening_is_a_position_and_a_fill_and_moves_margin_without_a_line(exchange: Exchange) -> None:
    event = exchange.ask(long_btc(client_order_id="mine", stop_loss=490_000))[0]
    assert isinstance(event, PositionOpened)
    rows = rows_of(exchange)
    (position,) = named(positions, rows.opened)
    assert (
        position
        | {
            "position_id": "0-1",
            "account_id": ALICE,
            "opened_seq": event.seq,
            "status": "open",
            "entry_price": 500_002,
            "margin": 100 * USDC,
            "stop_loss": 490_000,
            "liquidation_price": event.liquidation_price,
            "command_id": "open",
            "client_order_id": "mine",
            "close_price": None,
            "receipt_id": None,
        }
        == position
    )
    (fill,) = named(fills, rows.fills)
    assert (fill["action"], fill["order_id"], fill["price"], fill["fee"]) == ("open", "open", 500_002, 0)
    assert (fill["realized_pnl"], fill["reason"]) == (None, None)
    assert len(lines(rows)) == 1
    assert (rows.books[ALICE].cash, rows.books[ALICE].used_margin) == (900 * USDC, 100 * USDC)


def test_a_voluntary_close_has_its_order_and_result(exchange: Exchange) -> None:
    exchange.ask(long_btc())
    exchange.tick({"BTC_USDC": 505_000})
    event = exchange.ask(ClosePosition(command_id="close", account_id=ALICE, position_id="0-1"))[0]
    assert isinstance(event, PositionClosed)
    rows = rows_of(exchange)
    profit = (505_000 - 500_002) * event.quantity
    name = ids.event_id(0, event.seq)
    assert rows.closed == [("0-1", 505_000, profit, "manual", event.time, name)]
    close = named(fills, rows.fills)[1]
    assert (close["action"], close["order_id"], close["realized_pnl"], close["reason"]) == (
        "close",
        "close",
        profit,
        "manual",
    )
    assert lines(rows)[1:] == [("realized_pnl", profit, 1_000 * USDC + profit)]
    assert rows.books[ALICE].used_margin == 0
    assert rows.receipts[0][:2] == (name, ALICE)


def test_a_loss_beyond_the_margin_costs_the_owner_the_margin_and_no_more(exchange: Exchange) -> None:
    exchange.ask(long_btc(leverage=10_000))
    exchange.tick({"BTC_USDC": 480_000})
    rows = rows_of(exchange)
    assert lines(rows)[1:] == [("realized_pnl", -100 * USDC, 900 * USDC)]
    close = named(fills, rows.fills)[1]
    # Prices triggered it; there is no order.
    assert (close["reason"], close["order_id"], close["realized_pnl"]) == ("liquidation", None, -100 * USDC)


def test_a_liquidation_with_remaining_equity_has_a_line_for_its_fee(exchange: Exchange) -> None:
    exchange.ask(long_btc(leverage=5_000))
    exchange.tick({"BTC_USDC": 492_400})
    event = exchange.events[0][-1]
    assert isinstance(event, PositionClosed)
    assert event.liquidation_fee > 0
    loss = event.profit
    assert lines(rows_of(exchange))[1:] == [
        ("realized_pnl", loss, 1_000 * USDC + loss),
        ("liquidation_fee", -event.liquidation_fee, 1_000 * USDC + loss - event.liquidation_fee),
    ]


def test_a_shard_s_fund_receives_liquidation_fees_and_pays_losses_beyond_margins(
    exchange: Exchange,
) -> None:
    exchange.ask(long_btc(leverage=5_000))
    exchange.tick({"BTC_USDC": 492_400})
    first = exchange.events[0][-1]
    assert isinstance(first, PositionClosed)
    assert rows_of(exchange).insurance == {0: (0, first.liquidation_fee, 0, 0)}
    exchange.ask(long_btc("second", leverage=10_000))
    exchange.tick({"BTC_USDC": 480_000})
    second = exchange.events[0][-1]
    assert isinstance(second, PositionClosed)
    assert second.shortfall > second.insurance_paid == first.liquidation_fee
    moved = (first.liquidation_fee, second.insurance_paid, second.written_off)
    assert rows_of(exchange).insurance == {0: (0, *moved)}


def test_a_position_s_row_has_the_last_amended_stops(exchange: Exchange) -> None:
    exchange.ask(long_btc())
    for number, stop in enumerate((480_000, 485_000)):
        exchange.ask(
            AmendStops(
                command_id=f"amend-{number}",
                account_id=ALICE,
                position_id="0-1",
                amend_stop_loss=True,
                stop_loss=stop,
                amend_take_profit=False,
            )
        )
    assert rows_of(exchange).stops == {"0-1": ("0-1", 485_000, None)}


def outcomes(exchange: Exchange) -> dict[str, dict[str, Any]]:
    return {row["command_id"]: row for row in named(commands, rows_of(exchange).commands.values())}


def test_an_outcome_row_has_type_status_and_position_of_its_command(exchange: Exchange) -> None:
    done = exchange.ask(long_btc("opened", client_order_id="mine", stop_loss=400_000))[0]
    refused = exchange.ask(long_btc("refused", leverage=10_001))[0]
    found = outcomes(exchange)
    opened = found["opened"]
    assert (opened["type"], opened["status"], opened["rejection"]) == ("OpenPosition", "done", None)
    assert (opened["position_id"], opened["client_order_id"]) == ("0-1", "mine")
    assert opened["warnings"] == ["STOP_BEYOND_LIQUIDATION"]
    assert (opened["seq"], opened["first_offset"]) == (done.seq, done.command_offset)
    assert opened["command_hash"] == done.command_hash
    rejected = found["refused"]
    assert (rejected["type"], rejected["status"]) == ("OpenPosition", "rejected")
    assert (rejected["rejection"], rejected["seq"]) == (Rejection.LEVERAGE_OUT_OF_RANGE, refused.seq)


def test_a_repeat_and_a_reused_id_leave_the_first_outcome(exchange: Exchange) -> None:
    first = exchange.ask(long_btc("once"))[0]
    exchange.ask(long_btc("once"))
    exchange.ask(long_btc("once", leverage=200))
    row = outcomes(exchange)["once"]
    assert (row["status"], row["seq"]) == ("done", first.seq)
    assert rows_of(exchange).books[ALICE].account_seq == 4


def test_an_outcome_the_engine_does_not_remember_is_replaced_by_a_later_outcome(exchange: Exchange) -> None:
    early = Deposit(command_id="early", account_id="bob", amount=5)
    exchange.ask(early)
    assert outcomes(exchange)["early"]["rejection"] == Rejection.ACCOUNT_UNKNOWN
    exchange.open_account("bob", 0)
    exchange.ask(early)
    assert (outcomes(exchange)["early"]["status"], outcomes(exchange)["early"]["rejection"]) == ("done", None)


def test_an_account_refused_at_first_and_opened_later_is_done(exchange: Exchange) -> None:
    opening = OpenAccount(command_id="open-bob", account_id="bob", first_deposit=5, deadline=1)
    exchange.ask(opening)
    exchange.ask(OpenAccount(command_id="open-bob", account_id="bob", first_deposit=5))
    assert outcomes(exchange)["open-bob"]["status"] == "done"
    exchange.ask(opening)
    assert outcomes(exchange)["open-bob"]["status"] == "done"


def test_prices_and_feeds_are_no_commands_and_broadcasts_are_without_an_account(exchange: Exchange) -> None:
    exchange.set_status("BTC_USDC", "halted", "halt-1")
    exchange.send(0, activate())
    found = outcomes(exchange)
    assert {row["type"] for row in found.values()} == {
        *("DefineInstruments", "SetMarketStatus", "ActivateRules", "OpenAccount")
    }
    assert found[ids.broadcast_id("rules-2", 0)]["status"] == "done"
    assert found[ids.broadcast_id("halt-1", 0)]["account_id"] is None


def test_a_command_in_the_wrong_shard_is_no_outcome() -> None:
    exchange = Exchange()
    exchange.open_markets()
    deposit = Deposit(command_id="astray", account_id=ALICE, amount=5)
    for shard in range(4):
        exchange.send(shard, deposit)
    assert outcomes(exchange)["astray"]["rejection"] == Rejection.ACCOUNT_UNKNOWN
    assert len([row for row in rows_of(exchange).commands.values() if row.command_id == "astray"]) == 1


def test_only_the_first_shards_prices_are_kept() -> None:
    exchange = Exchange()
    exchange.open_markets()
    rows = rows_of(exchange)
    assert rows.market.candles["BTC_USDC", NOON].ticks == 1
    assert list(rows.market.instruments) == ["BTC_USDC", "ETH_USDC", "SOL_USDC"]


def test_a_minutes_candle_has_the_first_and_last_mid_and_the_range_between_commands(exchange: Exchange) -> None:
    exchange.tick({"BTC_USDC": 501_000})
    exchange.tick({"BTC_USDC": 499_000})
    candle = rows_of(exchange).market.candles["BTC_USDC", NOON]
    assert (candle.open, candle.high, candle.low, candle.close) == (1_000_002, 1_002_006, 997_999, 998_002)
    assert (candle.ticks, candle.source) == (3, "simulated")


def test_a_held_tick_is_kept_until_another_is_accepted(exchange: Exchange) -> None:
    exchange.tick({"BTC_USDC": 600_000})
    price = rows_of(exchange).market.prices["BTC_USDC"]
    assert (price.bid, price.held_bid, price.held_ask, price.held_at) == (500_000, 600_000, 600_002, exchange.time)
    exchange.tick({"BTC_USDC": 600_000})
    price = rows_of(exchange).market.prices["BTC_USDC"]
    assert (price.bid, price.held_bid, price.held_at) == (600_000, None, None)


def test_another_feed_drops_held_ticks_and_marks_known_prices(exchange: Exchange) -> None:
    exchange.tick({"BTC_USDC": 600_000})
    exchange.select_feed("recorded", "run-2")
    rows = rows_of(exchange)
    price = rows.market.prices["BTC_USDC"]
    assert (price.feed_changed, price.held_bid, price.bid, price.feed) == (True, None, 500_000, "simulated")
    assert rows.market.feed is not None
    assert rows.market.feed.name == "recorded"


def test_alive_marks_renew_the_time_a_price_was_last_heard(exchange: Exchange) -> None:
    accepted_at = exchange.time
    exchange.tick({}, alive=("BTC_USDC",))
    price = rows_of(exchange).market.prices["BTC_USDC"]
    assert (price.accepted_at, price.heard_at) == (accepted_at, exchange.time)
