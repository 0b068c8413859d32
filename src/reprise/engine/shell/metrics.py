"""Which numbers the engine shows, and what each means."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

STATES: Final = ("taking_over", "recovering", "live", "frozen")
_SECONDS: Final = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class Metrics:
    """The engine's numbers, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.command_seconds = Histogram(
            "engine_command_seconds",
            "Append of a command to commit of its events; of each transaction its oldest command",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "engine_commit_seconds", "One transaction, from begin to commit", buckets=_SECONDS, registry=self.registry
        )
        self.recovery_seconds = Histogram(
            "engine_recovery_seconds",
            "Assignment of a shard to its first new command",
            buckets=_LONG_SECONDS,
            registry=self.registry,
        )
        self.commands = Counter(
            "engine_commands", "Commands whose events were committed", ["shard"], registry=self.registry
        )
        self.events = Counter("engine_events", "Events committed", ["shard"], registry=self.registry)
        self.lag = Gauge("engine_lag_records", "Commands not executed yet", ["shard"], registry=self.registry)
        self.state = Gauge(
            "engine_shard_state", "1 for the state a shard is in", ["shard", "state"], registry=self.registry
        )
        self.frozen = Gauge(
            "engine_frozen", "1 where a shard stopped and waits for a person", ["shard"], registry=self.registry
        )

        self.clock_suspect = Gauge(
            "engine_clock_suspect",
            "1 where the price sender's clock and log time differ by more than 2 s, and nothing is opened",
            ["shard"],
            registry=self.registry,
        )

    def show_state(self, shard: int, state: str) -> None:
        """Show the state a shard is in, and that it is in no other."""
        for name in STATES:
            self.state.labels(shard, name).set(name == state)
        self.frozen.labels(shard).set(state == "frozen")

    def forget(self, shard: int) -> None:
        """Show nothing of a shard that another worker owns now."""
        for name in STATES:
            self.state.remove(shard, name)
        self.frozen.remove(shard)
        for gauge in (self.lag, self.clock_suspect):
            if (str(shard),) in gauge._metrics:  # noqa: SLF001
                gauge.remove(shard)
