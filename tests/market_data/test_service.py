"""The service as a process: it chooses a feed, names it, publishes it, and ends on a signal.

Longer than 300 lines because every test of the process stands beside the class that starts it and reads its pages.
"""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from market_data.backpack_server import BackpackServer
from market_data.clock import SystemClock
from market_data.feed_selection import CHOICE_FILE
from market_data.recorded_feed import open_recording
from market_data.recording import CHECKED_MAX
from runtime.kafka import read_back
from runtime.python import reprise_command
from runtime.settings import Settings
from schemas.commands import SelectFeed, UpdatePrices
from schemas.topics import OTHER_PARTITIONS, TICKS
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import BTC, REAL_QUOTES
from tests.market_data.log import accepted, commands_of, define_instruments, ticks_of, write_events

SYMBOLS = ["BTC_USDC", "ETH_USDC", "SOL_USDC"]
A_MEGABYTE = 1_000_000
DEAD_URL = "ws://127.0.0.1:9"


class Running:
    """The service, and its pages."""

    def __init__(self, process: subprocess.Popen[bytes], settings: Settings, output: Path) -> None:
        self.process, self.settings, self._output = process, settings, output

    def page(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(f"http://127.0.0.1:{self.settings.market_data_port}{path}", trust_env=False)
        except httpx.TransportError:
            return None

    def status(self) -> dict[str, Any]:
        answer = self.page("/status")
        return {} if answer is None else answer.json()

    def numbers(self) -> dict[tuple[str, str | None], float]:
        """What /metrics shows, by name and the symbol or kind it is of; nothing while it does not answer."""
        answer = self.page("/metrics")
        return {
            (sample.name, sample.labels.get("symbol") or sample.labels.get("kind")): sample.value
            for family in text_string_to_metric_families("" if answer is None else answer.text)
            for sample in family.samples
        }

    def output(self) -> str:
        return self._output.read_text()

    def wait_until(self, holds: Callable[[], bool], timeout_s: float = 90) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, (self.status(), self.output())
            time.sleep(0.05)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def running(settings: Settings, folder: Path, **environment: str) -> Iterator[Running]:
    """Run the service as a process manager does."""
    output = folder / f"market-data-{time.monotonic_ns()}.log"
    variables = (
        os.environ
        | environment
        | {
            "KAFKA_BROKERS": settings.kafka_brokers,
            "REPRISE_DATA": str(settings.data),
            "REPRISE_SHARDS": str(settings.shards),
            "MARKET_DATA_PORT": str(settings.market_data_port),
        }
    )
    command = reprise_command("run", "market-data")
    with output.open("wb") as sink:
        process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        yield Running(process, settings, output)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


@contextmanager
def backpack_server_thread() -> Iterator[str]:
    """A Backpack server on this machine, in a thread of its own, that plays the real quotes."""
    started, urls, stop = Event(), list[str](), Event()

    async def run() -> None:
        server = BackpackServer(open_recording(REAL_QUOTES, 2, 10.0), 10.0, "127.0.0.1", 0, SystemClock())
        async with server:
            urls.append(server.url)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    try:
        yield urls[0]
    finally:
        stop.set()
        thread.join(10)


def test_the_service_plays_a_recording_to_its_end_and_then_shows_finished(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=4)
    define_instruments(made)
    with running(made, tmp_path, FEED=f"recorded:{REAL_QUOTES}", FEED_SPEED="max") as service:
        service.wait_until(lambda: service.status().get("finished") is True)
        status = service.status()
        assert (status["feed"], status["connected"]) == ("recorded", False)
        assert status["symbols"].keys() == {BTC}
        assert status["symbols"][BTC].items() >= {"bid": "39490.97", "ask": "39490.98", "ticks": 451}.items()
        ready, health, metrics = (service.page(path) for path in ("/readyz", "/healthz", "/metrics"))
        assert ready is not None
        assert ready.status_code == 200
        assert health is not None
        assert health.status_code == 200
        assert metrics is not None
        assert 'ticks_published_total{symbol="BTC_USDC"} 451.0' in metrics.text
        assert "feed_finished 1.0" in metrics.text
        assert "ENDED" in service.output()
        assert service.stop() == 0
    assert len(ticks_of(made, BTC)) == 451
    for shard in range(4):
        first, *rest = commands_of(made, shard)
        assert first == SelectFeed(name="recorded", run=status["run"], live=False)
        assert len(rest) == 451


def test_a_consumer_that_ignores_the_symbol_reads_one_market_where_poller_assets_names_one(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    """Seed 004's trading engine is one: to its short of SOL at 10x every record is SOL's price."""
    made = settings(shards=1)
    define_instruments(made)
    with running(made, tmp_path, FEED="simulated", POLLER_ASSETS="SOL_USDC") as service:
        service.wait_until(lambda: service.status().get("symbols", {}).get("SOL_USDC", {}).get("ticks", 0) >= 10)
        assert service.stop() == 0
    prices = [
        json.loads(record.value)["price"]
        for partition in range(OTHER_PARTITIONS)
        for record in read_back(made, TICKS, partition, 1_000_000)
    ]
    assert len(prices) >= 10
    margin, leverage = 1_000, 10
    profits = [(prices[0] - price) * margin * leverage / prices[0] for price in prices]
    assert max(map(abs, profits)) < margin


@pytest.mark.slow
def test_each_start_of_a_simulation_is_a_new_run_from_the_last_accepted_price(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=2)
    define_instruments(made)
    write_events(made, 0, accepted(2, (BTC, 423_450, 423_460)))
    for _ in range(2):
        with running(made, tmp_path, FEED="simulated") as service:
            service.wait_until(lambda: sorted(service.status().get("symbols", {})) == SYMBOLS)
            time.sleep(1)
            assert service.status()["feed"] == "simulated"
            assert service.stop() == 0
    commands = commands_of(made, 0)
    selections = [command for command in commands if isinstance(command, SelectFeed)]
    assert len({selection.run for selection in selections}) == len(selections) == 2
    assert not any(selection.live for selection in selections)
    updates = [command for command in commands if isinstance(command, UpdatePrices)]
    first_of_each = {run: next(u for u in updates if u.run == run).ticks[0] for run in (s.run for s in selections)}
    for tick in first_of_each.values():
        assert tick.symbol == BTC
        assert abs(tick.bid + tick.ask - 2 * 423_455) < 100
    start = [update for update in updates if update.run == selections[0].run]
    assert all(after.sent_at - before.sent_at < 300_000 for before, after in itertools.pairwise(start))


@pytest.mark.slow
def test_auto_follows_backpack_where_quotes_arrive(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=1)
    define_instruments(made)
    with backpack_server_thread() as url, running(made, tmp_path, FEED="auto", BACKPACK_WS_URL=url) as service:
        service.wait_until(lambda: service.status().get("symbols", {}).get(BTC, {}).get("ticks") == 451)
        assert service.status().items() >= {"feed": "backpack", "run": "live", "connected": True}.items()
        assert service.stop() == 0
    assert commands_of(made, 0)[0] == SelectFeed(name="backpack", run="live", live=True)
    recorded = [json.loads(line)["data"] for line in REAL_QUOTES.read_text().splitlines()]
    assert [(tick.bid_text, tick.ask_text) for tick in ticks_of(made, BTC)] == [(d["b"], d["a"]) for d in recorded]


@pytest.mark.slow
def test_auto_simulates_with_a_notice_where_backpack_is_silent_for_five_seconds(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=1)
    define_instruments(made)
    started = time.monotonic()
    with running(made, tmp_path, FEED="auto", BACKPACK_WS_URL=DEAD_URL, REPRISE_START="first") as service:
        service.wait_until(lambda: service.status().get("feed") == "simulated")
        assert time.monotonic() - started >= 5
        assert "auto chose the SIMULATION" in service.output()
        assert service.stop() == 0
    # A process that dies within one start of the instance does not come back with another market.
    with backpack_server_thread() as url:
        with running(made, tmp_path, FEED="auto", BACKPACK_WS_URL=url, REPRISE_START="first") as service:
            service.wait_until(lambda: service.status().get("feed") is not None)
            assert service.status()["feed"] == "simulated"
        with running(made, tmp_path, FEED="auto", BACKPACK_WS_URL=url, REPRISE_START="second") as service:
            service.wait_until(lambda: service.status().get("feed") is not None)
            assert service.status()["feed"] == "backpack"


def test_auto_simulates_at_once_where_there_is_no_network(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=1)
    define_instruments(made)
    with running(made, tmp_path, FEED="auto", BACKPACK_WS_URL="wss://ws.backpack.invalid") as service:
        service.wait_until(lambda: service.status().get("feed") == "simulated")
        (chosen,) = [json.loads(line) for line in service.output().splitlines() if "auto chose the SIMULATION" in line]
        assert chosen["for_s"] < 5
        assert service.stop() == 0


def test_connections_and_disconnections_of_a_feed_are_in_the_metrics(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=1)
    define_instruments(made)
    with ExitStack() as exchange:
        url = exchange.enter_context(backpack_server_thread())
        with running(made, tmp_path, FEED="backpack", BACKPACK_WS_URL=url) as service:
            service.wait_until(lambda: service.numbers().get(("ticks_published_total", BTC), 0) > 0)
            heard = service.numbers()
            assert heard["feed_connected", None] == 1
            assert heard["feed_messages_total", "quote"] >= heard["ticks_published_total", BTC]
            assert heard["feed_interruptions_total", None] == 0
            exchange.close()
            service.wait_until(lambda: service.numbers().get(("feed_connected", None)) == 0)
            dropped = service.numbers()
            assert dropped["feed_interruptions_total", None] > 0
            assert dropped["feed_messages_total", "quote"] >= heard["feed_messages_total", "quote"]
            assert dropped["price_commands_total", None] > 0
            assert dropped["process_resident_memory_bytes", None] > A_MEGABYTE
            assert service.stop() == 0


def test_a_service_without_a_feed_is_alive_and_not_ready(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=1)
    define_instruments(made)
    with running(made, tmp_path, FEED="backpack", BACKPACK_WS_URL=DEAD_URL) as service:
        service.wait_until(lambda: service.status().get("feed") == "backpack")
        ready, health = service.page("/readyz"), service.page("/healthz")
        assert ready is not None
        assert ready.status_code == 503
        assert ready.json()["why"] == "The feed is not connected."
        assert health is not None
        assert health.status_code == 200
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("environment", "shards", "message"),
    [
        ({"FEED": "recorded:/no/such.jsonl"}, None, "There is no recording /no/such.jsonl"),
        (
            {"FEED": "backpack", "BACKPACK_WS_URL": "localhost:1"},
            None,
            "BACKPACK_WS_URL=localhost:1 is wrong: allowed is ws://HOST or wss://HOST",
        ),
        ({"FEED": "reuters"}, None, "FEED=reuters is wrong: allowed is auto, simulated, backpack or recorded:FILE"),
        (
            {"FEED": f"recorded:{REAL_QUOTES}", "FEED_SPEED": "fast"},
            None,
            "FEED_SPEED=fast is wrong: allowed is a number above 0 like 10 or x10, or max",
        ),
        ({"FEED": "simulated", "REPRISE_PROFILE": "production"}, None, "trades on no invented prices"),
        ({"FEED": "simulated", "REPRISE_SHARDS": "5"}, 5, "has 1 partitions, and REPRISE_SHARDS says 5"),
    ],
)
def test_a_fixable_error_ends_the_service_with_one_line(
    settings: SettingsFactory, tmp_path: Path, environment: dict[str, str], shards: int | None, message: str
) -> None:
    made = settings(shards=1)
    define_instruments(made)
    if shards is not None:
        made = made.model_copy(update={"shards": shards})
    with running(made, tmp_path, **environment) as service:
        assert service.process.wait(20) == 1
        assert message in service.output()
        assert "Traceback" not in service.output()


def test_a_recording_that_cannot_begin_stops_the_feed_of_an_instance_and_not_its_process(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=1)
    define_instruments(made)
    with running(made, tmp_path, FEED="recorded:/no/such.jsonl", REPRISE_START="first") as service:
        service.wait_until(lambda: service.status().get("finished") is True)
        assert service.status()["failure"] == "There is no recording /no/such.jsonl. Name a file that exists."
        ready = service.page("/readyz")
        assert ready is not None
        assert ready.json()["why"].startswith("The feed has stopped. There is no recording")
        assert service.output().count("STOPPED") == 1
        assert service.stop() == 0


def test_a_broken_line_behind_what_was_looked_at_stops_the_feed_with_its_number(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made, file = settings(shards=1), tmp_path / "a.jsonl"
    define_instruments(made)
    line = REAL_QUOTES.read_text().splitlines(keepends=True)[0]
    # The instruments of the ledger are few, so that what the others have is soon read.
    others = (line.replace("BTC_USDC", f"COIN{number}_USDC") for number in range(CHECKED_MAX))
    file.write_text("".join([line, *others, line.replace('"b":"', '"b":"x'), line]))
    environment = {"FEED": f"recorded:{file}", "FEED_SPEED": "max", "REPRISE_START": "first"}
    with running(made, tmp_path, **environment) as service:
        service.wait_until(lambda: service.status().get("finished") is True)
        assert f"line {CHECKED_MAX + 2}: not a Backpack envelope: its bid 'x39432.99'" in service.status()["failure"]
        assert service.status()["symbols"][BTC]["ticks"] == 1
        assert service.stop() == 0


def test_in_production_auto_waits_for_backpack_and_makes_no_prices_up(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=1)
    define_instruments(made)
    made.data.mkdir(parents=True, exist_ok=True)
    (made.data / CHOICE_FILE).write_text('{"start":"first","feed":"simulated"}')
    environment = {"FEED": "auto", "BACKPACK_WS_URL": DEAD_URL, "REPRISE_START": "first"}
    with running(made, tmp_path, REPRISE_PROFILE="production", **environment) as service:
        service.wait_until(lambda: service.status().get("feed") == "backpack")
        service.wait_until(lambda: service.output().count("connecting again") >= 3)
        ready = service.page("/readyz")
        assert ready is not None
        assert ready.json()["why"] == "The feed is not connected."
        assert service.output().count("auto is Backpack in production, and waits until it quotes") == 1
        assert service.stop() == 0
    assert ticks_of(made, BTC) == []
