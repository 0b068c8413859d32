"""A price command is due with a new tick after the interval, and with alive marks each second or interval."""

from market_data.conflation import ConflatedPrices, Conflation
from market_data.conversion import to_ticks
from market_data.feed import FeedQuote
from market_data.vouching import Vouching
from schemas.messages import AliveMark
from schemas.units import Timestamp
from tests.market_data.fake_clock import BTC, ETH, quote
from tests.market_data.ledgers import instrument, ledger_of

NOTHING = None


class Session:
    """A conflation, and short ways to talk to it."""

    def __init__(self, interval_s: float = 0.1) -> None:
        self.vouching = Vouching()
        self.conflation = Conflation(ledger_of(), self.vouching, interval_s)

    def tick(self, now: float, bid: str, ask: str, symbol: str = BTC) -> None:
        self.add_tick(now, quote(bid, ask, symbol=symbol))

    def add_tick(self, now: float, prices: FeedQuote) -> None:
        price = to_ticks(prices, instrument(prices.symbol))
        self.conflation.add_tick(prices, price)
        self.vouching.add_quote(prices, price, now)

    def heartbeat(self, now: float, last_price: str | None = None) -> None:
        self.vouching.add_heartbeat(instrument(BTC), last_price, now)

    def ill_formed(self, bid: str, ask: str) -> None:
        prices = quote(bid, ask)
        self.conflation.add_ill_formed(prices, to_ticks(prices, instrument(BTC)))
        self.vouching.doubt(BTC, "ill_formed")

    def due(self, now: float) -> tuple[list[tuple[str, int, int]], list[str]] | None:
        prices = self.next_items(now)
        return (
            None
            if prices is None
            else ([(tick.symbol, tick.bid, tick.ask) for tick in prices.ticks], [mark.symbol for mark in prices.marks])
        )

    def next_items(self, now: float) -> ConflatedPrices | None:
        return self.conflation.take_due(now)


def test_a_first_tick_is_due_at_once() -> None:
    session = Session()
    session.tick(10.0, "100", "101")
    assert session.due(10.0) == ([(BTC, 1_000, 1_010)], [])


def test_a_second_tick_is_due_when_the_interval_has_passed_and_no_sooner() -> None:
    session = Session(0.1)
    session.tick(10.0, "100", "101")
    session.due(10.0)
    session.tick(10.0625, "100", "102")
    assert session.due(10.0999) is NOTHING
    assert session.conflation.wait_s(10.0625) > 0.0
    assert session.due(10.1001) == ([(BTC, 1_000, 1_020)], [])


def test_ticks_between_two_commands_are_sent_as_the_last_with_the_low_and_high_of_all() -> None:
    session = Session()
    session.tick(10.0, "90", "91")
    session.due(10.0)
    for bid, ask in (("100", "101"), ("98", "99"), ("104", "105"), ("102", "103")):
        session.tick(10.05, bid, ask)
    prices = session.next_items(10.2)
    assert prices is not None
    (tick,) = prices.ticks
    assert (tick.bid, tick.ask, tick.low, tick.high) == (1_020, 1_030, 1_970, 2_090)


def test_the_range_begins_anew_after_a_command_and_after_a_jump_the_core_would_hold() -> None:
    session = Session()
    session.tick(10.0, "100", "100")
    session.due(10.0)
    session.tick(10.2, "101", "101")
    prices = session.next_items(10.2)
    assert prices is not None
    assert (prices.ticks[0].low, prices.ticks[0].high) == (2_020, 2_020)
    session.tick(10.21, "500", "500")
    session.tick(10.22, "100", "100")
    prices = session.next_items(10.4)
    assert prices is not None
    assert (prices.ticks[0].low, prices.ticks[0].high) == (2_000, 2_000)


def test_with_interval_zero_each_tick_is_due_separately() -> None:
    session = Session(0.0)
    for number in range(5):
        session.tick(10.0, str(100 + number), "110")
        assert session.due(10.0) == ([(BTC, 1_000 + 10 * number, 1_100)], [])


def test_a_symbol_heard_without_a_new_tick_gets_an_alive_mark_every_second() -> None:
    session = Session()
    session.tick(10.0, "100", "101")
    session.due(10.0)
    session.heartbeat(10.9)
    assert session.due(10.9999) is NOTHING
    assert session.due(11.0) == ([], [BTC])
    assert session.due(11.5) is NOTHING


def test_a_symbol_gets_alive_marks_while_heard_within_two_seconds() -> None:
    session = Session()
    session.tick(10.0, "100", "101")
    session.due(10.0)
    assert session.due(12.0) == ([], [BTC])
    session.heartbeat(12.5)
    assert session.due(14.5) == ([], [BTC])
    assert session.due(14.5001) is NOTHING
    assert session.due(100.0) is NOTHING


def test_a_tick_of_one_symbol_carries_the_alive_marks_of_the_others() -> None:
    session = Session()
    session.tick(10.0, "100", "101", symbol=ETH)
    session.due(10.0)
    session.tick(10.5, "100", "101")
    assert session.due(10.5) == ([(BTC, 1_000, 1_010)], [ETH])


def test_a_symbol_never_quoted_gets_no_alive_mark() -> None:
    session = Session()
    session.heartbeat(10.0)
    assert session.due(11.5) is NOTHING


def test_after_an_interruption_a_symbol_gets_alive_marks_only_after_a_new_quote() -> None:
    session = Session()
    session.tick(10.0, "100", "101")
    session.due(10.0)
    session.vouching.interrupt()
    session.heartbeat(11.0)
    assert session.due(11.5) is NOTHING
    session.tick(12.0, "100", "101")
    session.due(12.0)
    assert session.due(13.0) == ([], [BTC])


def test_an_interval_above_a_second_holds_for_ticks_and_for_marks() -> None:
    session = Session(1.4)
    session.tick(10.0, "100", "101")
    session.due(10.0)
    session.tick(10.5, "100", "102")
    assert session.due(11.39) is NOTHING
    assert session.due(11.4) == ([(BTC, 1_000, 1_020)], [])
    session.heartbeat(12.0)
    assert session.due(12.79) is NOTHING
    assert session.due(12.8) == ([], [BTC])


def test_an_ill_formed_price_is_sent_only_where_there_is_no_well_formed_price() -> None:
    session = Session()
    session.ill_formed("0", "101")
    assert session.due(10.0) == ([(BTC, 0, 1_010)], [])
    session.tick(10.2, "100", "101")
    session.ill_formed("0", "101")
    assert session.due(10.2) == ([(BTC, 1_000, 1_010)], [])
    session.ill_formed("0", "101")
    session.tick(10.4, "100", "101")
    prices = session.next_items(10.4)
    assert prices is not None
    assert [(tick.bid, tick.low, tick.high) for tick in prices.ticks] == [(1_000, 2_010, 2_010)]


def test_a_mark_names_the_last_well_formed_quote() -> None:
    session = Session()
    first, second = quote("100", "101", at=7, update_id=3), quote("100", "101", at=9, update_id=4)
    for prices in (first, second):
        session.add_tick(10.0, prices)
    session.due(10.0)
    due = session.next_items(11.0)
    assert due is not None
    assert due.marks == (AliveMark(symbol=BTC, source_time=Timestamp(9), update_id=4),)


def test_a_pending_tick_is_sent_without_a_mark_of_its_symbol() -> None:
    session = Session()
    session.tick(10.0, "100", "101")
    session.due(10.0)
    session.tick(10.05, "100", "102")
    session.heartbeat(10.09)
    assert session.due(10.11) == ([(BTC, 1_000, 1_020)], [])


def test_a_symbol_whose_last_quote_was_ill_formed_gets_no_mark_until_a_well_formed_quote() -> None:
    session = Session()
    session.tick(10.0, "100", "101")
    session.due(10.0)
    session.ill_formed("100", "110")
    session.due(10.2)
    for tenth in range(1, 30):
        session.heartbeat(10.2 + tenth / 10)
        assert session.due(10.2 + tenth / 10) is NOTHING
    session.tick(13.2, "100", "101")
    session.due(13.2)
    assert session.due(14.2) == ([], [BTC])
