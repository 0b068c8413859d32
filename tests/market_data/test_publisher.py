"""A feed is published to Kafka: every tick for everyone, prices in every shard, in order, within a bound."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer

from market_data.backpack_feed import BackpackFeed
from market_data.backpack_server import BackpackServer
from market_data.clock import SystemClock
from market_data.conversion import to_ticks
from market_data.feed import FeedEnded, FeedItem, Heartbeat, PriceFeed
from market_data.last_prices import last_accepted_prices
from market_data.ledger import FollowedLedger
from market_data.metrics import FeedMetrics
from market_data.outbox import UNACKNOWLEDGED_MAX, PriceOutbox
from market_data.pacing import PriceIntervals
from market_data.publisher import PricePublisher
from market_data.quote_board import QuoteBoard
from market_data.recorded_feed import RecordedFeed, open_recording
from runtime.kafka import command_producer_options, read_back
from runtime.settings import Settings
from schemas.commands import SelectFeed, UpdatePrices
from schemas.topics import COMMANDS, TICKS
from schemas.words import FeedName
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import BTC, ETH, REAL_BARS, REAL_QUOTES, counter_value, new_metrics, quote
from tests.market_data.ledgers import instrument, ledger_of
from tests.market_data.log import BY_A_PERSON, accepted, commands_of, ticks_of, write_events

QUIET_S = 1.0
REAL = [json.loads(line)["data"] for line in REAL_QUOTES.read_text().splitlines()]


class ScriptedFeed:
    """A feed that gives a list of items, and then ends."""

    name: FeedName = "simulated"
    run = "some-run"
    live = False

    def __init__(self, items: Sequence[FeedItem], pause_s: float = 0.0) -> None:
        self._items = items
        self._pause_s = pause_s

    async def items(self) -> AsyncIterator[FeedItem]:
        for item in self._items:
            yield item
            await asyncio.sleep(self._pause_s)
        yield FeedEnded()


class RecordingOutbox(PriceOutbox):
    """An outbox that remembers how many records were ever unacknowledged at once."""

    unacknowledged_max = 0

    def send(self, topic: str, value: bytes, *, key: bytes | None = None, partition: int = -1) -> None:
        super().send(topic, value, key=key, partition=partition)
        self.unacknowledged_max = max(self.unacknowledged_max, self.unacknowledged)


def recorded_feed(file: Path = REAL_QUOTES, speed: float | None = None) -> RecordedFeed:
    return RecordedFeed("a-run", open_recording(file, 2, speed), ledger_of(BTC), speed, SystemClock(), loop=False)


async def published(
    settings: Settings,
    feed: PriceFeed,
    interval_s: float,
    metrics: FeedMetrics | None = None,
    *,
    until: int | None = None,
    rest_s: float = 0.2,
    ledger: FollowedLedger | None = None,
) -> RecordingOutbox:
    """Publish a feed to its end, or until so many ticks of BTC were published, and a little longer."""
    clock, meters = SystemClock(), metrics or new_metrics()
    outbox = RecordingOutbox(Producer(command_producer_options(settings)), clock)
    board = QuoteBoard(clock)
    followed, intervals = ledger or ledger_of(shards=settings.shards), PriceIntervals(interval_s, QUIET_S)
    publisher = PricePublisher(feed, followed, intervals, outbox, clock, meters, board)
    await publisher.select_feed()
    timing = asyncio.create_task(publisher.send_due_periodically())
    following = asyncio.create_task(publisher.follow())
    async with asyncio.timeout(60):
        if until is None:
            await following
        while until is not None and counter_value(meters, "ticks_published", symbol=BTC) < until:  # noqa: ASYNC110  # A counter.
            await asyncio.sleep(0.01)
    await asyncio.sleep(rest_s)
    following.cancel()
    timing.cancel()
    await asyncio.gather(following, timing, return_exceptions=True)
    await outbox.wait_until_confirmed()
    assert board.finished == (until is None)
    return outbox


def test_all_real_quotes_of_a_recording_are_in_the_ticks_and_in_every_shard_in_order(
    settings: SettingsFactory,
) -> None:
    made = settings(shards=4)
    asyncio.run(published(made, recorded_feed(), 0.0))
    ticks = ticks_of(made, BTC)
    assert [(tick.bid_text, tick.ask_text, tick.source_time_us, str(tick.update_id)) for tick in ticks] == [
        (data["b"], data["a"], data["T"], data["u"]) for data in REAL
    ]
    for shard in range(4):
        first, *rest = commands_of(made, shard)
        assert first == SelectFeed(name="recorded", run="a-run", live=False)
        updates = [command for command in rest if isinstance(command, UpdatePrices)]
        assert len(updates) == len(rest) == 451
        assert [len(update.ticks) for update in updates] == [1] * 451
        assert [
            (update.ticks[0].bid, update.ticks[0].ask, update.ticks[0].source_time, update.ticks[0].update_id)
            for update in updates
        ] == [(*to_ticks(quote(data["b"], data["a"]), instrument(BTC)), data["T"], int(data["u"])) for data in REAL]
        assert {(update.feed, update.run) for update in updates} == {("recorded", "a-run")}
        assert all(abs(update.sent_at - time.time_ns() // 1000) < 60_000_000 for update in updates)


def test_all_shards_get_byte_for_byte_identical_commands_without_a_key(settings: SettingsFactory) -> None:
    made = settings(shards=4)
    asyncio.run(published(made, recorded_feed(), 0.0))
    shards = [read_back(made, COMMANDS, shard, 1_000) for shard in range(4)]
    assert all(record.key is None for records in shards for record in records)
    assert len({tuple(record.value for record in records) for records in shards}) == 1


def test_all_real_quotes_through_the_backpack_server_and_the_real_client_are_published_once(
    settings: SettingsFactory,
) -> None:
    made = settings(shards=4)

    async def test() -> None:
        clock, metrics = SystemClock(), new_metrics()
        async with BackpackServer(open_recording(REAL_QUOTES, 2, 50.0), 50.0, "127.0.0.1", 0, clock) as server:
            feed = BackpackFeed(server.url, ledger_of(BTC), clock, metrics)
            await published(made, feed, 0.0, metrics, until=451)

    asyncio.run(test())
    ticks = ticks_of(made, BTC)
    assert [(tick.bid_text, tick.ask_text, str(tick.update_id)) for tick in ticks] == [
        (data["b"], data["a"], data["u"]) for data in REAL
    ]
    for shard in range(4):
        first, *rest = commands_of(made, shard)
        assert first == SelectFeed(name="backpack", run="live", live=True)
        told = [tick.update_id for command in rest if isinstance(command, UpdatePrices) for tick in command.ticks]
        assert told == [int(data["u"]) for data in REAL]


def test_at_the_price_interval_a_shard_gets_the_last_price_of_each_symbol_with_the_range_of_all_ticks(
    settings: SettingsFactory,
) -> None:
    made = settings(shards=1)
    started = time.monotonic()
    asyncio.run(published(made, recorded_feed(speed=20.0), 0.1))
    lasted = time.monotonic() - started
    assert len(ticks_of(made, BTC)) == 451
    updates = [command for command in commands_of(made, 0) if isinstance(command, UpdatePrices)]
    assert 15 <= len(updates) <= lasted / 0.1 + 1
    assert all(after.sent_at - before.sent_at >= 99_000 for before, after in pairwise(updates))
    told = [tick for update in updates for tick in update.ticks]
    assert told[-1].update_id == int(REAL[-1]["u"])
    totals = [sum(to_ticks(quote(data["b"], data["a"]), instrument(BTC))) for data in REAL]
    assert min(tick.low for tick in told) == min(totals)
    assert max(tick.high for tick in told) == max(totals)


def test_a_quiet_shard_gets_a_price_a_second_and_the_ticks_of_everyone_are_as_many_as_ever(
    settings: SettingsFactory,
) -> None:
    made = settings(shards=3)
    ledger = ledger_of(shards=3)
    for shard in range(3):
        ledger.activity.note_end(shard)
    ledger.activity.note_event(1, BY_A_PERSON, time.monotonic())
    asyncio.run(published(made, recorded_feed(speed=20.0), 0.1, ledger=ledger))
    assert len(ticks_of(made, BTC)) == 451
    sent = [commands_of(made, shard)[1:] for shard in range(3)]
    assert sent[0] == sent[1]
    assert 2 <= len(sent[2]) < len(sent[0]) / 4


def test_a_recording_at_full_speed_has_at_most_1000_unacknowledged_records(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=4)
    feed = ScriptedFeed(list(islice(open_recording(REAL_BARS, 2, None).quotes(), 4_000)))
    outbox = asyncio.run(published(made, feed, 0.0))
    assert UNACKNOWLEDGED_MAX * 0.5 < outbox.unacknowledged_max <= UNACKNOWLEDGED_MAX
    for shard in range(4):
        times = [
            command.ticks[0].source_time for command in commands_of(made, shard) if isinstance(command, UpdatePrices)
        ]
        assert len(times) == 4_000
        assert times == sorted(times)


def test_no_price_is_published_after_the_end_of_a_recording(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    asyncio.run(published(made, ScriptedFeed([quote("100", "101")]), 0.1, rest_s=2.5))
    assert len([command for command in commands_of(made, 0) if isinstance(command, UpdatePrices)]) == 1


def test_a_symbol_heard_without_a_quote_is_published_as_alive_every_second(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    asyncio.run(published(made, ScriptedFeed([quote("100", "101"), *[Heartbeat(symbol=BTC)] * 12], pause_s=0.25), 0.1))
    _, first, *rest = commands_of(made, 0)
    assert isinstance(first, UpdatePrices)
    assert (len(first.ticks), first.alive) == (1, ())
    updates = [command for command in rest if isinstance(command, UpdatePrices)]
    assert [(update.ticks, update.alive) for update in updates] == [((), (BTC,))] * 3
    assert all(0.9e6 < b.sent_at - a.sent_at < 1.3e6 for a, b in zip([first, *updates], updates, strict=False))


def test_a_published_tick_has_prices_as_numbers_and_as_exact_text(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    said: list[FeedItem] = [
        Heartbeat(symbol=BTC, volume="123.5"),
        quote("39432.99", "39433.62", at=1_610_064_001_076_999, update_id=7),
        quote("100.1", "100.2", symbol=ETH),
    ]
    asyncio.run(published(made, ScriptedFeed(said), 0.0))
    (record,) = [r for p in range(4) for r in read_back(made, TICKS, p, 10) if r.key == b"BTC_USDC"]
    tick = json.loads(record.value)
    assert math.isclose(tick.pop("price"), 39433.305)
    assert tick == {
        "symbol": BTC,
        "timestamp": 1_610_064_001_076,
        "bid": 39432.99,
        "ask": 39433.62,
        "volume": 123.5,
        "bid_text": "39432.99",
        "ask_text": "39433.62",
        "bid_size": None,
        "ask_size": None,
        "source_time_us": 1_610_064_001_076_999,
        "update_id": 7,
    }
    (other,) = ticks_of(made, ETH)
    assert other.volume is None


def test_an_invalid_quote_is_counted_and_published_to_the_exchange_but_not_as_a_tick(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    metrics = new_metrics()
    bad = [("NaN", "1"), ("1e30", "1e30"), ("0", "101"), ("-1", "101"), ("102", "101"), ("100", "102")]
    quotes = [quote(bid, ask, update_id=number) for number, (bid, ask) in enumerate(bad, 1)]
    good = quote("100", "101", update_id=10)
    foreign = quote("100", "101", symbol="SOL_USDC_PERP")
    asyncio.run(
        published(made, ScriptedFeed([*quotes, good, foreign, Heartbeat(symbol=BTC, volume="much")]), 0.0, metrics)
    )
    # A wide spread is a quote of the market all the same; the others are none.
    assert [tick.update_id for tick in ticks_of(made, BTC)] == [6, 10]
    refused = {
        reason: counter_value(metrics, "ticks_refused", reason=reason)
        for reason in ("not_representable", "not_positive", "crossed", "spread_too_wide")
    }
    assert refused == {"not_representable": 2, "not_positive": 2, "crossed": 1, "spread_too_wide": 1}
    assert counter_value(metrics, "feed_messages", kind="not_followed") == 1
    # Any price a message can hold is published to the exchange, and its refusal is in the log.
    told = [tick for command in commands_of(made, 0) if isinstance(command, UpdatePrices) for tick in command.ticks]
    assert [(tick.bid, tick.ask) for tick in told] == [
        (0, 1_010),
        (-10, 1_010),
        (1_020, 1_010),
        (1_000, 1_020),
        (1_000, 1_010),
    ]


def test_the_publisher_reads_the_last_accepted_prices_from_the_events(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    assert last_accepted_prices(made, (BTC, ETH)) == {}
    write_events(made, 0, accepted(1, (BTC, 10, 21), (ETH, 30, 40)), accepted(2, (BTC, 499_999, 500_002)))
    assert last_accepted_prices(made, (BTC, ETH)) == {BTC: 500_000, ETH: 35}
    write_events(made, 0, *(accepted(number) for number in range(3, 1_200)))
    assert last_accepted_prices(made, (BTC, ETH)) == {BTC: 500_000, ETH: 35}


def test_a_record_refused_by_kafka_ends_the_publisher(settings: SettingsFactory) -> None:
    made = settings(shards=1)
    outbox = PriceOutbox(Producer(command_producer_options(made)), SystemClock())

    async def test() -> None:
        outbox.send(COMMANDS, b"x" * 300_000, partition=0)
        await outbox.wait_until_confirmed()

    with pytest.raises(KafkaException, match="MSG_SIZE_TOO_LARGE"):
        asyncio.run(test())
