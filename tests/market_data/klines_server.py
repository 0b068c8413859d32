"""A server of klines as in Backpack's documentation, or with the faults a test sets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, str | None]


class KlinesServer:
    """Has rows by symbol; `failures` are given first, one a request: a status and a body."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Row]] = {}
        self.rows_max = 1_000
        self.failures: list[tuple[int, str]] = []
        self.asked: list[tuple[str, int, int]] = []
        self.url = ""

    def trade(self, symbol: str, second: int, price: str, **changed: str | None) -> None:
        """Have a minute, begun at this second, in which the price stood still, but for what is changed."""
        row: Row = {
            "start": text_of(second),
            "end": text_of(second + 60),
            "open": price,
            "high": price,
            "low": price,
            "close": price,
            "volume": "0.5",
            "quoteVolume": "1",
            "trades": "7",
        }
        self.rows.setdefault(symbol, {})[second] = row | changed

    def answer(self, path: str) -> tuple[int, str]:
        """Say what a request gets."""
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/api/v1/klines" or asked.get("interval") != "1m" or "startTime" not in asked:
            return 400, json.dumps({"code": "INVALID_CLIENT_REQUEST", "message": "what is wrong"})
        symbol, start, end = asked["symbol"], int(asked["startTime"]), int(asked["endTime"])
        self.asked.append((symbol, start, end))
        if self.failures:
            return self.failures.pop(0)
        known = self.rows.get(symbol, {})
        found = [known[when] for when in sorted(known) if start <= when <= end]
        return 200, json.dumps(found[: self.rows_max])


@contextmanager
def klines_server() -> Iterator[KlinesServer]:
    """Serve on this machine for the length of a block."""
    served = KlinesServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = served.answer(self.path)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def text_of(seconds: int) -> str:
    """Write a time as Backpack's REST API does: without a zone, and UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
