"""How the interactive documentation is served: each of its files from here, so that it needs no other host."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse

PAGE: Final = "/docs"
OPENAPI: Final = "/openapi.json"
_REDIRECT: Final = f"{PAGE}/oauth2-redirect"
_ASSETS: Final = f"{PAGE}/assets"
# Swagger UI and its style, as the package fastapi-offline carries them.
_KINDS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
# Swagger UI writes styles into its elements; scripts it has only these.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' {digests}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEPT: Final = {"Cache-Control": "public, max-age=86400"}


def install(app: FastAPI) -> None:
    """Serve the page and what it loads."""
    app.add_api_route(PAGE, _page, include_in_schema=False)
    app.add_api_route(_REDIRECT, _redirect, include_in_schema=False)
    app.add_api_route(f"{_ASSETS}/{{name}}", _asset, include_in_schema=False)


async def _page() -> HTMLResponse:
    return _with_policy(_swagger_page())


def _swagger_page() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url=OPENAPI,
        title="Reprise: the API",
        oauth2_redirect_url=_REDIRECT,
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
        # Else the page would ask a validator on the network what it thinks of the document.
        swagger_ui_parameters={"validatorUrl": None},
    )


async def _redirect() -> HTMLResponse:
    return _with_policy(get_swagger_ui_oauth2_redirect_html())


def _with_policy(page: HTMLResponse) -> HTMLResponse:
    """Let a page run its own scripts, each known by its digest, and those served here; and ask nobody else."""
    scripts = _SCRIPT.findall(bytes(page.body))
    digests = " ".join(f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts)
    page.headers["Content-Security-Policy"] = _POLICY.format(digests=digests)
    return page


async def _asset(name: str) -> FileResponse:
    kind = _KINDS.get(name)
    if kind is None:
        raise HTTPException(404)
    file = files("fastapi_offline") / "static" / name
    return FileResponse(str(file), media_type=kind, headers=_KEPT)
