"""A real browser loads a page that a test serves, does what the page's script says, and the page reports."""

import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
LOOPBACK: Final = "127.0.0.1"
PAGE: Final = b"<!doctype html><meta charset=utf-8><title>page</title><script type=module src=/tests/page.js></script>"
REPORT_TIMEOUT_S: Final = 240.0
END_TIMEOUT_S: Final = 20.0


def browser() -> str:
    """Give the path of a Chromium, or skip the test."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"there is no Chromium here: none of {', '.join(NAMES)} is in PATH")
    return found


class PageServer:
    """Serves a folder of scripts. cut: what the page asks for with `POST /cut`; reports: what it posted."""

    def __init__(self, folder: Path, port: int, cut: Callable[[], None]) -> None:
        self.reports: queue.Queue[str] = queue.Queue()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # The library's own name.
                path = urlsplit(self.path).path
                script = folder / path.removeprefix("/")
                if path == "/":
                    self._answer(200, PAGE, "text/html")
                elif path.endswith(".js") and script.is_file():
                    self._answer(200, script.read_bytes(), "text/javascript")
                else:
                    self._answer(404, b"", "text/plain")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/cut":
                    cut()
                else:
                    server.reports.put(body.decode())
                self._answer(204, b"", "text/plain")

            def _answer(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def page_at_one_of(ports: tuple[int, ...], folder: Path, cut: Callable[[], None]) -> Iterator[PageServer]:
    """Serve at the first of these ports that is free; the test is skipped where none is."""
    for port in ports:
        with suppress(OSError):
            server = PageServer(folder, port, cut)
            break
    else:
        pytest.skip(f"other programs have every port of {ports}")
    try:
        yield server
    finally:
        server.close()


def reported(server: PageServer, url: str, profile: Path) -> str:
    """Load a page in a browser of its own, and wait for its report."""
    command = (
        *(browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--remote-debugging-port=0", f"--user-data-dir={profile}", url),
    )
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        return server.reports.get(timeout=REPORT_TIMEOUT_S)
    finally:
        process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
