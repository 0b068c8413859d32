"""Which addresses show the screen, a closed list that web/src/addresses.ts has too, and how its files are sent."""

import re
from typing import Final

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from api.screen.files import PAGE, ScreenFile, ScreenFiles
from api.screen.policy import OF_FILES, OF_PAGES

STATIC: Final = "/static"
NAMED: Final = ("/", "/login", "/register", "/account", "/replay", "/admin")
SYMBOL: Final = re.compile(r"[A-Z0-9.-]+_[A-Z0-9.-]+")
POSITION: Final = re.compile(r"[0-9]{1,10}-[0-9]{1,20}")
# Below assets/ each file has the digest of its content in its name.
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_A_DAY: Final = "public, max-age=86400"
_ALWAYS_ASK: Final = "no-cache"
NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Reprise</title>
<h1>The screen is not built</h1>
<p>The exchange runs, and its API is described at <a href="/docs">/docs</a>. Build the screen with
<code>./reprise screen</code> and load this page again; the command says what is missing.</p></html>
"""


def install(app: FastAPI, files: ScreenFiles) -> None:
    """Serve the screen at its addresses, and its files below /static/."""

    async def page(request: Request) -> Response:
        return _page(request, files)

    async def page_of_symbol(request: Request, symbol: str) -> Response:
        return _page(request, files) if SYMBOL.fullmatch(symbol) else _nothing()

    async def page_of_position(request: Request, position_id: str) -> Response:
        return _page(request, files) if POSITION.fullmatch(position_id) else _nothing()

    async def static(request: Request, name: str) -> Response:
        file = files.find(name)
        if file is None or name == PAGE:
            return _nothing()
        return _sent(request, file, {"Cache-Control": _FOR_EVER if name.startswith("assets/") else _A_DAY})

    for path in NAMED:
        app.add_api_route(path, page, include_in_schema=False)
    app.add_api_route("/trade/{symbol}", page_of_symbol, include_in_schema=False)
    app.add_api_route("/positions/{position_id}", page_of_position, include_in_schema=False)
    app.add_api_route(f"{STATIC}/{{name:path}}", static, include_in_schema=False)


def _nothing() -> Response:
    raise HTTPException(404)


def _page(request: Request, files: ScreenFiles) -> Response:
    file = files.find(PAGE)
    if file is None:
        return HTMLResponse(NOT_BUILT, status_code=503, headers=OF_PAGES | {"Cache-Control": _ALWAYS_ASK})
    return _sent(request, file, OF_PAGES | {"Cache-Control": _ALWAYS_ASK})


def _sent(request: Request, file: ScreenFile, headers: dict[str, str]) -> Response:
    headers = OF_FILES | headers | {"ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.etag in {each.strip() for each in request.headers.get("If-None-Match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    encoding, body = file.body_for(request.headers.get("Accept-Encoding", ""))
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=file.kind, headers=headers)
