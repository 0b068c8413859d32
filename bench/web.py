"""How quick the trading page is in a real Chromium: its first load, and its frames under prices and long tables."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
from confluent_kafka import Producer
from psutil import Process
from sqlalchemy import insert, select

from bench._cpu import child, cpu_time
from bench._exchange import PASSWORD, Exchange, running_exchange
from bench.report.figures import CpuUse, Figure, Measured, NotMeasured, rounded
from projector.database import connect
from projector.tables.ledger_tables import fills
from runtime.errors import FixableError
from runtime.kafka import command_producer_options
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.commands import OpenPosition
from schemas.instruments import SYMBOLS
from schemas.sharding import shard_of
from schemas.topics import COMMANDS
from stack import screen
from stack.ports import LOOPBACK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

POSITIONS: Final = 200
ROWS: Final = 10_000
SECONDS: Final = 20
TICKS_PER_SECOND: Final = 20
LOADS: Final = 5
MICROS_OF_MARGIN: Final = 20_000_000
SETTLED_S: Final = 300.0
FIRST_COPY: Final = 10**9  # the seq of the first copy of a fill, far above those of the log
LONG_TASK_MS: Final = 50
SYMBOL: Final = SYMBOLS[0]
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
PROBE: Final = Path(__file__).with_name("web_probe.js")
WATCHED: Final = (
    ("rows_read", "rows of history read", "rows"),
    ("rows_in_document", "of them in the document", "rows"),
    ("ticks_per_second", "prices shown", "ticks/s"),
    ("frames_per_second", "frames", "frames/s"),
    ("longest_task_ms", "longest task", "ms"),
    ("long_tasks", f"tasks longer than {LONG_TASK_MS} ms", "tasks"),
    ("frames_behind_p50", "frames a price waits, median", "frames"),
    ("frames_behind_most", "frames a price waits, at most", "frames"),
    ("superseded_before_drawn", "prices superseded before they were drawn", "ticks"),
)


def run(positions: int = POSITIONS, rows: int = ROWS, seconds: int = SECONDS) -> Measured:
    """Load the page five times, then watch it with so many positions, rows of history and seconds of prices.

    The broker must hold no ledger: one is made there, and stays.
    """
    if _program() is None:
        raise NotMeasured(f"There is no Chromium: none of {', '.join(BROWSERS)} is in PATH.")
    screen.build(lambda _: None)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        settings = Settings()
        # Up and down by a tenth of a percent: the profit of every position changes, and none is liquidated.
        with (
            running_exchange(settings, Path(folder), 1 / TICKS_PER_SECOND, lambda number: number % 21 - 10) as exchange,
            _browser() as of,
        ):
            url = _url(exchange)
            credentials = _trader(settings, exchange, positions, rows)
            loads = [_first_load(of, url) for _ in range(LOADS)]
            with cpu_time({**_browser_process(), **exchange.roots}) as cpu:
                watched = _watched(of, url, credentials, seconds, rows)
    figures = [
        Figure.of_runs("first_paint_ms", "first load to first content", [paint for paint, _ in loads], "ms"),
        _figure("first_load_bytes", "bytes of a first load, in brotli", max(size for _, size in loads), "B"),
        *(_figure(name, label, watched[name], unit) for name, label, unit in WATCHED if watched[name] is not None),
    ]
    return Measured(figures=figures, cpu=[CpuUse(what="page and API", each="second", count=seconds, seconds=cpu)])


def _figure(name: str, label: str, value: float, unit: str) -> Figure:
    return Figure(name=name, label=label, value=rounded(value), unit=unit)


def _browser_process() -> dict[str, Process]:
    """The program that drives Chromium, which is a child of it."""
    found = child("playwright")
    return {} if found is None else {"chromium": found}


def _url(exchange: Exchange) -> str:
    return f"http://{LOOPBACK}:{exchange.port}"


def _trader(settings: Settings, exchange: Exchange, positions: int, rows: int) -> dict[str, str]:
    """Register somebody and fill their books. The openings go straight into the log, past the API's limits."""
    credentials = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    with httpx.Client(base_url=f"{_url(exchange)}/api/v1", timeout=30.0, trust_env=False) as client:
        client.post("/auth/register", json=credentials).raise_for_status()
        token = client.post("/auth/login", json=credentials).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        account = _until(lambda: client.get("/account"), lambda reply: reply.is_success).json()["account_id"]
        producer = Producer(command_producer_options(settings, "bench-trader"))
        for _ in range(positions):
            opening = OpenPosition(
                command_id=str(uuid4()),
                account_id=account,
                symbol=SYMBOL,
                side="long",
                margin=MICROS_OF_MARGIN,
                leverage=500,
            )
            producer.produce(COMMANDS, encode_command(opening), partition=shard_of(account, settings.shards))
            producer.poll(0)
        producer.flush()
        _until(lambda: _items(client, "/positions", positions), lambda found: len(found) == positions)
    _add_fills(exchange.database_url, account, rows - positions)
    return credentials


def _add_fills(database_url: str, account: str, count: int) -> None:
    """Add so many rows of history, copies of the fills that are there, to the projection.

    An account may send 600 commands in ten minutes, so the log would take hours to have them; the page cannot tell.
    """
    database = connect(database_url)
    with database.begin() as db:
        originals = db.execute(select(fills).where(fills.c.account_id == account)).mappings().all()
        db.execute(
            insert(fills),
            [
                {**original, "seq": FIRST_COPY + number}
                for number, original in enumerate(islice(cycle(originals), count))
            ],
        )
    database.dispose()


def _items(client: httpx.Client, path: str, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < most:
        params = {"limit": "200"} | ({} if cursor is None else {"cursor": cursor})
        page = client.get(path, params=params).raise_for_status().json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return found


def _until(look: Callable[[], Any], is_over: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + SETTLED_S
    while not is_over(seen := look()):
        if time.monotonic() > deadline:
            raise FixableError(f"The exchange of the bench did not get there in {SETTLED_S:.0f} s.")
        time.sleep(0.5)
    return seen


def _program() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def _browser() -> Iterator["Browser"]:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415
    except ImportError as error:
        raise FixableError("The bench drives Chromium by playwright, which `./reprise check` installs.") from error
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        started = playwright.chromium.launch(executable_path=_program(), args=arguments)
        try:
            yield started
        finally:
            started.close()


def _first_load(browser: "Browser", url: str) -> tuple[int, int]:
    """Load the page with an empty cache. Give the milliseconds to its first content, and its files' bytes."""
    context = browser.new_context(base_url=url)
    try:
        page = context.new_page()
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        own: set[str] = set()
        sizes: list[int] = []

        def note_response(event: dict[str, Any]) -> None:
            if not str(event["response"]["url"]).startswith(f"{url}/api/"):  # What the exchange says is no file.
                own.add(event["requestId"])

        def note_size(event: dict[str, Any]) -> None:
            if event["requestId"] in own:
                sizes.append(int(event["encodedDataLength"]))

        network.on("Network.responseReceived", note_response)
        network.on("Network.loadingFinished", note_size)
        page.goto(f"/trade/{SYMBOL}", wait_until="load")
        page.get_by_test_id("ticker").wait_for()
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        return round(paint), sum(sizes)
    finally:
        context.close()


def _watched(browser: "Browser", url: str, credentials: dict[str, str], seconds: int, rows: int) -> dict[str, Any]:
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(SETTLED_S * 1_000)
        page.add_init_script(PROBE.read_text(encoding="utf-8"))
        page.goto("/login")
        page.get_by_test_id("email").fill(credentials["email"])
        page.get_by_test_id("password").fill(credentials["password"])
        page.get_by_test_id("enter").click()
        page.get_by_test_id("balance").wait_for()
        page.goto(f"/trade/{SYMBOL}")
        page.get_by_test_id("tab-fills").click()
        rows_read = _read_to_the_end(page, rows)
        in_document = page.locator("[role=tabpanel] tbody tr").count()
        page.evaluate(f"Object.assign(benchProbe, {{symbol: '{SYMBOL}', longTasks: [], behind: [], missed: 0}})")
        began = page.evaluate("[benchProbe.frame, benchProbe.ticks]")
        page.wait_for_timeout(seconds * 1_000)
        probe = page.evaluate("benchProbe")
    finally:
        context.close()
    behind = sorted(probe["behind"])
    return {
        "rows_read": rows_read,
        "rows_in_document": in_document,
        "ticks_per_second": round((probe["ticks"] - began[1]) / seconds, 1),
        "frames_per_second": round((probe["frame"] - began[0]) / seconds, 1),
        "longest_task_ms": max((duration for _, duration in probe["longTasks"]), default=0),
        "long_tasks": len(probe["longTasks"]),
        "frames_behind_p50": behind[len(behind) // 2] if behind else None,
        "frames_behind_most": behind[-1] if behind else None,
        "superseded_before_drawn": probe["missed"],
    }


def _read_to_the_end(page: "Page", rows: int) -> int:
    """Scroll the table until all of it is read; give how many rows it says it has."""
    table = page.locator("[role=tabpanel] table")
    table.wait_for()
    deadline = time.monotonic() + SETTLED_S
    while (count := int(table.get_attribute("aria-rowcount") or 1) - 1) < rows:
        if time.monotonic() > deadline:
            raise FixableError(f"The table had {count:,} of {rows:,} rows after {SETTLED_S:.0f} s.")
        page.evaluate("document.querySelector('.window').scrollTop = 1e9")
        page.wait_for_timeout(50)
    return count
