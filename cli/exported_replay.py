"""What serves an exported log's replay in a browser: the screen's own page, and answers to whoever has the key."""

import hmac
import html
import secrets
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.middleware.base import RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.screen import pages
from api.screen.files import BUILT, PAGE, ScreenFile, ScreenFiles
from audit.log.log_reader import LogReader
from audit.replay.account_fold import accounts_opened
from audit.replay.application import ReplayMetrics, questions
from audit.replay.replays import Replays

HOSTS: Final = ("127.0.0.1", "localhost")
COOKIE: Final = "replay"
KEY: Final = "key"
ACCOUNTS_MAX: Final = 1_000
HEAD: Final = '<html lang="en">'
BODY: Final = '<div id="screen"></div>'


class FolderScreen(ScreenFiles):
    """The screen's files; its page says of which folder it is, and which accounts there are to choose from."""

    def __init__(self, name: str, accounts: list[str], built: Path = BUILT) -> None:
        super().__init__(built)
        self._head = f'<html lang="en" data-log="{html.escape(name)}">'
        options = "".join(f'<option value="{html.escape(account)}"></option>' for account in accounts)
        self._body = f'{BODY}<datalist id="accounts">{options}</datalist>'
        self._etag = f'"{secrets.token_hex(16)}"'

    def find(self, name: str) -> ScreenFile | None:
        """Give a file; the page with what it says of the folder."""
        file = super().find(name)
        if file is None or name != PAGE:
            return file
        text = file.bodies["identity"].decode().replace(HEAD, self._head, 1).replace(BODY, self._body, 1)
        return ScreenFile(file.kind, {"identity": text.encode()}, self._etag)


def folder_application(
    log: LogReader, name: str, key: str, verdict: Path | None = None, built: Path = BUILT
) -> FastAPI:
    """Put together what serves a log's replay on this machine."""
    replays = Replays(lambda: log, verdict)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    async def take_key(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if not _same(request.query_params.get(KEY, ""), key):
            return await call_next(request)
        # The key does not stay in the address, which somebody may give away.
        reply = RedirectResponse("/replay", 303)
        reply.set_cookie(COOKIE, key, httponly=True, samesite="strict")
        return reply

    def permitted(request: Request) -> bool:
        return _same(request.cookies.get(COOKIE, ""), key)

    app.router.routes.extend(questions(replays, ReplayMetrics(replays), permitted))
    pages.install(app, FolderScreen(name, accounts_in(log), built))
    app.middleware("http")(take_key)
    # A page of another site, under a name of its own for this machine, gets nothing.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    return app


def accounts_in(log: LogReader) -> list[str]:
    """Give the accounts of a log, shard by shard in the order in which they were opened; at most so many."""
    found: list[str] = []
    for shard in log.held:
        for account in accounts_opened(log, shard):
            found.append(account)
            if len(found) >= ACCOUNTS_MAX:
                return found
    return found


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
