"""Backpack's klines become minutes on the instrument's grid, through any fault of the server."""

import time
from collections.abc import Iterator

import pytest

from market_data.klines import KlinesUnavailable, RequestPacing, backpack_history
from market_data.simulated_history import MinuteCandle
from schemas.instruments import BY_SYMBOL
from schemas.units import MINUTE, SECOND
from stack.ports import free_ports
from tests.market_data.klines_server import KlinesServer, klines_server, text_of

START_S = 1_767_960_000
START = START_S * SECOND
AT_ONCE = RequestPacing(between_s=0, backoff_max_s=0.01, give_up_s=0.3)
BTC = "BTC_USDC"


@pytest.fixture
def server() -> Iterator[KlinesServer]:
    with klines_server() as served:
        yield served


def history(server: KlinesServer, count: int, pace: RequestPacing = AT_ONCE, symbol: str = BTC) -> list[MinuteCandle]:
    return list(backpack_history(server.url, BY_SYMBOL[symbol], START, START + count * MINUTE, pace))


def trade_each_minute(server: KlinesServer, count: int) -> None:
    for number in range(-1, count + 5):
        server.trade(BTC, START_S + 60 * number, f"{60_000 + number}.5")


def test_prices_become_the_sum_of_bid_and_ask_in_ticks_rounded_to_the_nearest_half_tick(server: KlinesServer) -> None:
    server.trade(BTC, START_S, "60000", high="60000.124", low="59999.975", close="60000.05")
    assert history(server, 1) == [MinuteCandle(START, 1_200_000, 1_200_002, 1_200_000, 1_200_001)]


def test_pages_of_klines_are_joined_without_loss_or_repetition(server: KlinesServer) -> None:
    trade_each_minute(server, 2_500)
    found = history(server, 2_500)
    assert [minute.start for minute in found] == [START + number * MINUTE for number in range(2_500)]
    assert found[1_234].open == (60_000 + 1_234) * 20 + 10
    assert [start for _, start, _ in server.asked] == [START_S + 60 * 900 * page for page in range(3)]
    assert max(end for _, _, end in server.asked) == START_S + 60 * 2_500


def test_rows_missing_from_a_short_page_are_requested_again(server: KlinesServer) -> None:
    trade_each_minute(server, 1_000)
    server.rows_max = 100
    assert len(history(server, 1_000)) == 1_000
    assert len(server.asked) == 10


def test_minutes_without_a_trade_are_missing_whether_omitted_or_null(server: KlinesServer) -> None:
    trade_each_minute(server, 3_000)
    for number in range(50, 2_500):
        del server.rows[BTC][START_S + 60 * number]
    server.trade(BTC, START_S + 60 * 2_700, "1", open=None, high=None, low=None, close=None)
    expected = [*range(50), *range(2_500, 2_700), *range(2_701, 3_000)]
    assert [(minute.start - START) // MINUTE for minute in history(server, 3_000)] == expected


def test_a_symbol_without_klines_has_no_history(server: KlinesServer) -> None:
    assert history(server, 1_000, symbol="SOL_USDC") == []


def test_impossible_prices_are_left_out(server: KlinesServer) -> None:
    for number, changed in enumerate(
        (
            {"high": "59999"},
            {"low": "60001"},
            {"low": "-1"},
            {"open": "NaN"},
            {"close": ""},
            {"high": "9" * 30},
            {},
        )
    ):
        server.trade(BTC, START_S + 60 * number, "60000", **changed)
    assert [(minute.start - START) // MINUTE for minute in history(server, 10)] == [6]


@pytest.mark.parametrize(
    "failure",
    [
        (429, "Too many requests"),
        (500, "oops"),
        (503, ""),
        (200, "<html>"),
        (200, '{"code": "MAINTENANCE"}'),
        (200, '[{"start": "2026-01-09 12:00:00"}]'),
        (200, '[{"start": "noon", "open": "1", "high": "1", "low": "1", "close": "1"}]'),
        (200, '[{"start": "2026-01-09 12:00:07", "open": "1", "high": "1", "low": "1", "close": "1"}]'),
        (200, '[{"start": "2026-01-09 12:00:00", "open": 1, "high": "1", "low": "1", "close": "1"}]'),
    ],
    ids=str,
)
def test_a_refused_or_malformed_answer_is_retried_and_finally_raised_with_the_server_s_message(
    server: KlinesServer, failure: tuple[int, str]
) -> None:
    trade_each_minute(server, 10)
    server.failures = [failure] * 2
    assert len(history(server, 10)) == 10
    server.failures = [failure] * 1_000
    with pytest.raises(KlinesUnavailable, match=str(failure[0]) if failure[0] != 200 else "malformed"):
        history(server, 10)
    assert 3 < len(server.asked) < 500


def test_an_absent_server_is_given_up_after_retries(server: KlinesServer) -> None:
    server.url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(KlinesUnavailable, match="ConnectError"):
        history(server, 10)


@pytest.mark.parametrize("url", ["nonsense", "http://[", "ftp://example.com"])
def test_an_invalid_address_is_raised_as_klines_unavailable(url: str) -> None:
    with pytest.raises(KlinesUnavailable):
        list(backpack_history(url, BY_SYMBOL[BTC], START, START + MINUTE, AT_ONCE))


def test_requests_for_klines_are_paced(server: KlinesServer) -> None:
    trade_each_minute(server, 2_700)
    began = time.monotonic()
    history(server, 2_700, RequestPacing(between_s=0.2, backoff_max_s=0.01, give_up_s=1))
    assert len(server.asked) == 3
    assert time.monotonic() - began > 0.4


def test_times_of_klines_are_utc_with_and_without_a_zone(server: KlinesServer) -> None:
    server.trade(BTC, START_S, "60000")
    server.trade(BTC, START_S + 60, "60000", start=text_of(START_S + 60).replace(" ", "T") + "Z")
    assert [minute.start for minute in history(server, 2)] == [START, START + MINUTE]
