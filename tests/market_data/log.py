"""Tests of market data read Kafka here, and write events in the engine's place."""

import msgspec
from confluent_kafka import Producer

from market_data.publisher import PublishedTick
from runtime.kafka import command_producer_options, read_back
from runtime.settings import Settings
from schemas.codec import decode_command, encode_and_chain, first_digest
from schemas.commands import Command
from schemas.events import AccountOpened, Event, EventHeader, InstrumentsDefined, PricesUpdated
from schemas.instruments import INSTRUMENTS
from schemas.messages import Tick
from schemas.topics import COMMANDS, EVENTS, OTHER_PARTITIONS, TICKS
from schemas.units import Micros, Ticks, Timestamp

ALL = 1_000_000
NO_ONE = {"account_seq": None, "command_id": None, "command_hash": None, "account_id": None}


def event_value(event: Event) -> bytes:
    """Give an event's record value, as if it were a shard's first."""
    return encode_and_chain(event, first_digest(0), 2)[0]


def commands_of(settings: Settings, shard: int) -> list[Command]:
    """Give a shard's commands, oldest first."""
    return [decode_command(record.value) for record in read_back(settings, COMMANDS, shard, ALL)]


def ticks_of(settings: Settings, symbol: str) -> list[PublishedTick]:
    """Give a symbol's published ticks, oldest first; its records are in one partition and have it as key."""
    found: list[PublishedTick] = []
    for partition in range(OTHER_PARTITIONS):
        records = [r for r in read_back(settings, TICKS, partition, ALL) if r.key == symbol.encode()]
        assert not (records and found), "a symbol has one partition"
        found += [msgspec.json.decode(record.value, type=PublishedTick) for record in records]
    return found


def write_events(settings: Settings, shard: int, *events: Event) -> None:
    """Write events as the engine would."""
    producer = Producer(command_producer_options(settings))
    digest = first_digest(shard)
    for event in events:
        value, digest = encode_and_chain(event, digest, 1)
        producer.produce(EVENTS, value, partition=shard)
    assert producer.flush(10) == 0


def define_instruments(settings: Settings) -> None:
    """Let every shard know its instruments."""
    for shard in range(settings.shards):
        defined = InstrumentsDefined(
            EventHeader(seq=1, command_offset=0, index=0, time=Timestamp(1), **NO_ONE),
            broadcast="instruments-1",
            instruments=INSTRUMENTS,
        )
        write_events(settings, shard, defined)


def accepted(seq: int, *prices: tuple[str, int, int]) -> PricesUpdated:
    """Give the event of a price command whose ticks were all accepted."""
    ticks = tuple(
        Tick(
            symbol=symbol,
            bid=Ticks(bid),
            ask=Ticks(ask),
            low=bid + ask,
            high=bid + ask,
            source_time=Timestamp(1),
            update_id=1,
        )
        for symbol, bid, ask in prices
    )
    return PricesUpdated(
        EventHeader(seq=seq, command_offset=seq, index=0, time=Timestamp(seq), **NO_ONE),
        feed="simulated",
        run="run",
        sent_at=1,
        clock_suspect=False,
        accepted=ticks,
        alive=(),
        refused=(),
    )


BY_A_PERSON = event_value(
    AccountOpened(
        EventHeader(
            seq=1,
            account_seq=1,
            command_offset=1,
            index=0,
            time=Timestamp(1),
            command_id="an-id",
            command_hash=bytes(16),
            account_id="an-account",
        ),
        first_deposit=Micros(1),
        legs=(),
    )
)
