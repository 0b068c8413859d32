"""The outbox of a socket and the memory of recent events, without a server."""

import asyncio

import pytest

from api.log.event_bus import MARKET_MAX, AccountEvent, EventBus
from api.log.recent_events import RecentEvent, RecentEvents
from api.stream.outbox import Overflow, SocketOutbox
from schemas.codec import encode_and_chain, first_digest, header_of
from schemas.events import Deposited, Event, EventHeader, PricesUpdated
from schemas.units import Micros, Timestamp


def deposited(seq: int, account_seq: int, account_id: str = "alice") -> Deposited:
    return Deposited(
        EventHeader(seq, account_seq, seq, 0, f"c{seq}", None, account_id, Timestamp(1_000)), amount=Micros(1), legs=()
    )


def priced(seq: int) -> PricesUpdated:
    header = EventHeader(seq, None, seq, 0, None, None, None, Timestamp(1_000))
    return PricesUpdated(header, feed="f", run="r", sent_at=0, clock_suspect=False, accepted=(), alive=(), refused=())


def note(bus: EventBus, shard: int, event: Event) -> None:
    value = encode_and_chain(event, first_digest(shard), 1)[0]
    bus.note(shard, header_of(value), value, event)


async def drained(outbox: SocketOutbox) -> list[str]:
    outbox.end()
    return [text async for text in outbox]


def test_messages_that_must_arrive_are_sent_in_order_and_before_replaceable_messages() -> None:
    async def run() -> list[str]:
        outbox = SocketOutbox(10)
        outbox.replace("ticks", "old")
        outbox.put("1")
        outbox.replace("ticks", "new")
        outbox.replace("candles", "first", part=1)
        outbox.replace("candles", "second", part=2)
        outbox.put("2")
        outbox.replace("gone", "x")
        outbox.drop("gone")
        assert outbox.conflated == 1
        return await drained(outbox)

    assert asyncio.run(run()) == ["1", "2", "new", "first", "second"]


def test_an_outbox_takes_its_maximum_of_messages_and_one_more_ends_the_reading() -> None:
    async def run(count: int) -> list[str]:
        outbox = SocketOutbox(3)
        for number in range(count):
            outbox.put(str(number))
            outbox.replace("ticks", "never too many")
        return await drained(outbox)

    assert asyncio.run(run(3)) == ["0", "1", "2", "never too many"]
    with pytest.raises(Overflow):
        asyncio.run(run(4))


def test_an_outbox_is_bounded_in_bytes_but_takes_one_larger_message() -> None:
    async def run(*texts: str) -> list[str]:
        outbox = SocketOutbox(100, bytes_max=10)
        for text in texts:
            outbox.put(text)
        return await drained(outbox)

    assert asyncio.run(run("12345", "67890")) == ["12345", "67890"]
    assert asyncio.run(run("a large text by itself")) == ["a large text by itself"]
    with pytest.raises(Overflow):
        asyncio.run(run("12345", "678901"))


def test_prices_of_unbounded_channels_do_not_fill_the_outbox() -> None:
    async def run() -> int:
        outbox = SocketOutbox(5)
        for number in range(1_000):
            outbox.replace("candles", str(number), part=number)
        return len(outbox)

    assert asyncio.run(run()) == 5


def test_a_subscription_gets_an_account_s_events_once_directly_after_the_remembered_events() -> None:
    async def run() -> tuple[list[int], list[int], list[int]]:
        bus, loop = EventBus(), asyncio.get_running_loop()
        told: list[int] = []

        def take(happened: AccountEvent) -> None:
            told.append(happened.account_seq)

        note(bus, 2, deposited(10, 1))
        first = bus.subscribe("alice", take)
        note(bus, 2, deposited(11, 2))
        note(bus, 2, deposited(12, 1, "bob"))
        # The next event waits to be sent to the first, and the second finds it among the remembered events.
        late: list[int] = []
        second = bus.subscribe("alice", lambda happened: late.append(happened.account_seq))
        bus.flush(loop)
        await asyncio.sleep(0)
        note(bus, 2, deposited(13, 3))
        bus.flush(loop)
        await asyncio.sleep(0)
        past = [happened.account_seq for happened in second.past]
        first.cancel()
        first.cancel()
        second.cancel()
        note(bus, 2, deposited(14, 4))
        bus.flush(loop)
        await asyncio.sleep(0)
        return told, past, late

    assert asyncio.run(run()) == ([2, 3], [1, 2], [3])


def test_recent_events_are_bounded_and_complete_above_the_floor() -> None:
    recent = RecentEvents(events_max=3, bytes_max=100)
    assert recent.floor(1) == 0
    recent.reach(1, 41)
    assert recent.floor(1) == 40
    for seq in range(41, 45):
        recent.keep(RecentEvent(1, seq, seq - 40, "alice", b"1234567890"))
    assert [kept.seq for kept in recent.of("alice")] == [42, 43, 44]
    assert recent.floor(1) == 41
    recent.keep(RecentEvent(1, 45, 1, "bob", b"x" * 80))
    assert [kept.seq for kept in recent.of("alice")] == [43, 44]
    recent.keep(RecentEvent(1, 46, 2, "bob", b"x" * 100))
    assert recent.of("alice") == []
    assert recent.floor(1) == 45


def test_market_events_after_a_remembered_number_are_given_and_after_a_forgotten_number_none_are() -> None:
    bus = EventBus()
    assert bus.market_after(0) == []
    for seq in range(101, 101 + MARKET_MAX + 5):
        note(bus, 0, priced(seq))
    assert bus.market_after(104) is None
    events = bus.market_after(105)
    assert events is not None
    assert [event.seq for event in events] == list(range(106, 106 + MARKET_MAX))
    assert bus.market_after(10_000) == []
