"""What market data counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class FeedMetrics:
    """Every meter of the service, in the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.feed_connected = Gauge("feed_connected", "1 while the feed is heard.", registry=registry)
        self.feed_finished = Gauge("feed_finished", "1 once a recording came to its end.", registry=registry)
        self.feed_messages = Counter(
            "feed_messages",
            "Messages of the source: quote, heard, other, error, garbage, not_newer, not_followed.",
            ["kind"],
            registry=registry,
        )
        self.feed_interruptions = Counter("feed_interruptions", "Connections that were lost.", registry=registry)
        self.ticks_published = Counter("ticks_published", "Ticks written for everyone.", ["symbol"], registry=registry)
        self.ticks_refused = Counter(
            "ticks_refused",
            "Quotes that no price may come of: not_representable (dropped), not_positive, crossed, spread_too_wide, "
            "out_of_time.",
            ["reason"],
            registry=registry,
        )
        self.symbol_vouched = Gauge(
            "symbol_vouched",
            "1 while the feed vouches for a symbol's last quote; where it is 0, /status says why.",
            ["symbol"],
            registry=registry,
        )
        self.price_commands = Counter(
            "price_commands", "UpdatePrices written, each into all active or all quiet shards.", registry=registry
        )
        self.active_shards = Gauge(
            "active_shards",
            "Shards with open positions or commands of late: they get prices sooner.",
            registry=registry,
        )
        self.unacknowledged = Gauge("unacknowledged_records", "Records Kafka has not confirmed yet.", registry=registry)
