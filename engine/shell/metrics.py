"""Which numbers the engine shows, and what each means."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, PlatformCollector, ProcessCollector

from engine.snapshot.ports import SnapshotMetrics
from schemas.compiled import running

STATES: Final = ("taking_over", "recovering", "live", "following", "frozen")
_CORE_SECONDS: Final = (
    *(0.00001, 0.00002, 0.00003, 0.00005, 0.000075, 0.0001, 0.00015, 0.0002, 0.0003, 0.0005, 0.00075),
    *(0.001, 0.002, 0.005, 0.01, 0.1, 1),
)
_SECONDS: Final = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class EngineMetrics:
    """The engine's numbers, in a registry of their own. Memory is the process's: `process_resident_memory_bytes`."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.command_seconds = Histogram(
            "command_seconds",
            "One command in the core: decided, applied, and the closes it triggers; one of 16 is timed",
            buckets=_CORE_SECONDS,
            registry=registry,
        )
        self.answer_seconds = Histogram(
            "answer_seconds",
            "Append of a command to commit of its events; of each transaction its oldest command",
            buckets=_SECONDS,
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "commit_seconds", "One transaction, from begin to commit", buckets=_SECONDS, registry=registry
        )
        Info("core_build", "Whether the core runs compiled, or as plain Python", registry=registry).info(
            {"build": running()}
        )
        self.commands = Counter("commands", "Commands whose events were committed", ["shard"], registry=registry)
        self.events = Counter("events", "Events committed", ["shard"], registry=registry)
        self.lag = Gauge("lag_records", "Commands not executed yet", ["shard"], registry=registry)
        self.state = Gauge("shard_state", "1 for the state a shard is in", ["shard", "state"], registry=registry)
        self.frozen = Gauge(
            "shard_frozen", "1 where a shard stopped and waits for a person", ["shard"], registry=registry
        )
        self.clock_suspect = Gauge(
            "clock_suspect",
            "1 where the price sender's clock and log time differ by more than 2 s, and nothing is opened",
            ["shard"],
            registry=registry,
        )
        self.clock_ahead = Gauge(
            "clock_ahead_seconds",
            "By how much log time is ahead of this machine's clock, where that is more than 30 s",
            ["shard"],
            registry=registry,
        )
        self._add_recovery(registry)
        self.snapshots = SnapshotMetrics(registry)

    def _add_recovery(self, registry: CollectorRegistry) -> None:
        self.recovery_seconds = Histogram(
            "recovery_seconds",
            "Assignment of a shard to its first new command",
            buckets=_LONG_SECONDS,
            registry=registry,
        )
        self.recovery_percent = Gauge(
            "recovery_percent",
            "How much of its present part a recovery has done: loading, then replaying; 100 where a shard is live",
            ["shard"],
            registry=registry,
        )
        self.recovery_offset = Gauge(
            "recovery_offset",
            "Which command a shard executes next, as far as its recovery is",
            ["shard"],
            registry=registry,
        )
        self.recovery_seconds_left = Gauge(
            "recovery_seconds_left",
            "How long the present part of a recovery takes yet, NaN where that is not known; 0 where a shard is live",
            ["shard"],
            registry=registry,
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
        recovery = (self.recovery_percent, self.recovery_offset, self.recovery_seconds_left)
        for gauge in (self.lag, self.clock_suspect, self.clock_ahead, self.snapshots.size, *recovery):
            if (str(shard),) in gauge._metrics:  # noqa: SLF001
                gauge.remove(shard)
