"""What is counted about requests and commands."""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2.5)


class ApiMetrics:
    """A registry of its own, so that two APIs in one process do not meet. Memory: `process_resident_memory_bytes`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.requests = Histogram(
            "request_seconds",
            "Time from a request to its reply",
            ("method", "route", "status"),
            buckets=LATENCIES,
            registry=self._registry,
        )
        self.commands = Counter(
            "command_outcomes_total", "Commands, by what became of them", ("outcome",), registry=self._registry
        )
        self.waits = Histogram(
            "outcome_seconds",
            "Time from sending a command to its event",
            buckets=LATENCIES,
            registry=self._registry,
        )

        self.stream_sockets = Gauge("stream_sockets", "Open WebSockets", registry=self._registry)
        self.stream_messages = Counter(
            "stream_messages_total", "Messages sent over WebSockets", registry=self._registry
        )
        self.stream_conflated = Counter(
            "stream_conflated_total",
            "Prices that slow readers were not sent, of sockets that ended",
            registry=self._registry,
        )
        self.stream_closes = Counter(
            "stream_closes_total",
            "WebSockets that ended, by the server's code or by the client",
            ("code",),
            registry=self._registry,
        )
        self.stream_resumes = Counter(
            "stream_resumes_total",
            "Resumes, by how they were answered",
            ("answer",),
            registry=self._registry,
        )

    def page(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self._registry)
