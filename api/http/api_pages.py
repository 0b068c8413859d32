"""How the interactive documentation is served: each of its files from here, so that it needs no other host."""

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
_KEPT: Final = {"Cache-Control": "public, max-age=86400"}


def install(app: FastAPI) -> None:
    """Serve the page and what it loads."""
    app.add_api_route(PAGE, _page, include_in_schema=False)
    app.add_api_route(_REDIRECT, _redirect, include_in_schema=False)
    app.add_api_route(f"{_ASSETS}/{{name}}", _asset, include_in_schema=False)


async def _page() -> HTMLResponse:
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
    return get_swagger_ui_oauth2_redirect_html()


async def _asset(name: str) -> FileResponse:
    kind = _KINDS.get(name)
    if kind is None:
        raise HTTPException(404)
    file = files("fastapi_offline") / "static" / name
    return FileResponse(str(file), media_type=kind, headers=_KEPT)
