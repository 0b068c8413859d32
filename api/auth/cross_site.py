"""Whether a page of another site made the browser send a request, and which pages may."""

from typing import Final

from fastapi import Request

from api.http.problems import CROSS_SITE_REQUEST, ApiError
from api.http.seed_clients import is_of_seed
from runtime.settings import Settings

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
DEMO_ORIGINS: Final = tuple(
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001, 3200, 5173, 8080)
)


def refuse_cross_site(request: Request, settings: Settings) -> None:
    """Refuse what a browser sends for a page of another site; without either header it is no browser, and passes.

    `localhost` and `127.0.0.1` are two sites, and the seeds' pages on the one call the other: their routes let in the
    pages whose origins are allowed.
    """
    refusal = _refusal(request, settings)
    if refusal is not None:
        raise refusal


def is_foreign_page(request: Request, settings: Settings) -> bool:
    """Say whether a browser sends it for a page whose origin is not allowed: it may use nothing a browser keeps."""
    return _refusal(request, settings) is not None


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """Pages that may call from a browser: those of the settings, and in the demo profile the usual local ones."""
    configured = settings.cors_origins
    return (*configured, *DEMO_ORIGINS) if settings.profile == "demo" else configured


def _refusal(request: Request, settings: Settings) -> ApiError | None:
    if request.method in SAFE_METHODS:
        return None
    origin = request.headers.get("origin")
    is_allowed = origin in allowed_origins(settings)
    if request.headers.get("sec-fetch-site") == "cross-site" and not (is_allowed and is_of_seed(request)):
        return ApiError(CROSS_SITE_REQUEST)
    if origin is None or is_allowed or origin == f"{request.url.scheme}://{request.headers.get('host', '')}":
        return None
    return ApiError(CROSS_SITE_REQUEST, "The request's Origin is not allowed")
