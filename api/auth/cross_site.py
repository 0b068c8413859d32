"""Whether a page of another site made the browser send a request, and which pages may."""

from typing import Final

from fastapi import Request

from api.http.problems import CROSS_SITE_REQUEST, ApiError
from runtime.settings import Settings

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
DEMO_ORIGINS: Final = tuple(
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001, 3200)
)


def refuse_cross_site(request: Request, settings: Settings) -> None:
    """Refuse what a browser sends for a page of another site; without either header it is no browser, and passes."""
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise ApiError(CROSS_SITE_REQUEST)
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if origin != own and origin not in allowed_origins(settings):
        raise ApiError(CROSS_SITE_REQUEST, "The request's Origin is not allowed")


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """Pages that may call from a browser: those of the settings, and in the demo profile the usual local ones."""
    configured = settings.cors_origins
    return (*configured, *DEMO_ORIGINS) if settings.profile == "demo" else configured
