"""Which topics there are, how they are kept, and why: the one table `reprise topics` makes them from."""

from typing import Final, NamedTuple

TICKS: Final = "backpack-market-updates"
COMMANDS: Final = "exchange.commands"
EVENTS: Final = "exchange.events"
SNAPSHOTS: Final = "exchange.snapshots"
VENUE_COMMANDS: Final = "venue.commands"
VENUE_EVENTS: Final = "venue.events"

FOR_EVER: Final = {"retention.ms": "-1", "retention.bytes": "-1"}
SEVEN_DAYS_MS: Final = 7 * 24 * 60 * 60 * 1000
OTHER_PARTITIONS: Final = 4


class Topic(NamedTuple):
    """A topic's name, whether it has one partition per shard, and its settings."""

    name: str
    sharded: bool
    config: dict[str, str]


TOPICS: Final = (
    Topic(TICKS, sharded=False, config={"retention.ms": str(SEVEN_DAYS_MS)}),
    Topic(
        COMMANDS,
        sharded=True,
        config=FOR_EVER
        | {
            # The broker's append time is the ledger's clock.
            "message.timestamp.type": "LogAppendTime",
            # Any client can read what any client wrote.
            "compression.type": "uncompressed",
            "max.message.bytes": str(256 * 1024),
        },
    ),
    Topic(EVENTS, sharded=True, config=FOR_EVER),
    Topic(
        SNAPSHOTS,
        sharded=True,
        config={
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.1",
            "segment.ms": "600000",
            # A reader's snapshot is never compacted under its feet.
            "min.compaction.lag.ms": "600000",
        },
    ),
    Topic(VENUE_COMMANDS, sharded=False, config=FOR_EVER),
    Topic(VENUE_EVENTS, sharded=False, config=FOR_EVER),
)

# With three copies, a write counts when two have it, and no copy that fell behind may lead.
REPLICATED: Final = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}


def partitions_of(topic: Topic, shards: int) -> int:
    """Partitions the topic must have in a ledger of so many shards."""
    return shards if topic.sharded else OTHER_PARTITIONS
