"""Who sent this request, by header or cookie; and whether a page of another site made the browser send it."""

from typing import Annotated, Final, NamedTuple
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2PasswordBearer

from reprise.api.auth.store import User, find_by_session
from reprise.api.parts import Api, Parts
from reprise.api.problems import (
    CREDENTIALS_CONFLICT,
    CROSS_SITE_REQUEST,
    DATABASE_UNAVAILABLE,
    NOT_AUTHENTICATED,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    ApiError,
    responses,
)

COOKIE: Final = "session"
SECURE_COOKIE: Final = "__Host-session"  # what the cookie is called over https
SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
DEMO_ORIGINS: Final = tuple(
    f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001, 3200)
)
REFUSALS: Final = (NOT_AUTHENTICATED, TOKEN_INVALID, TOKEN_EXPIRED, CREDENTIALS_CONFLICT, DATABASE_UNAVAILABLE)

# They only declare the schemes in OpenAPI; `authenticate` reads the credentials.
_password = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login", auto_error=False, scheme_name="password")
_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session")


class Signed(NamedTuple):
    """A signed-in user, and the session they are in."""

    user: User
    session_id: UUID

    @property
    def account_id(self) -> str:
        """The account that is theirs."""
        return self.user.account_id


async def authenticate(request: Request, parts: Api) -> Signed:
    """Believe the Authorization header first, then the cookie; two that name different users are refused."""
    header = _bearer_token(request)
    cookie = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
    if header is None and cookie is None:
        raise ApiError(NOT_AUTHENTICATED)
    if header is None:
        refuse_cross_site(request, parts)
    claims = parts.tokens.read(header if header is not None else str(cookie))
    if header is not None and cookie is not None:
        _refuse_conflict(parts, claims.user_id, cookie)
    user = await parts.database.ask(lambda db: find_by_session(db, claims.session_id, claims.user_id))
    if user is None:
        raise ApiError(TOKEN_INVALID, "The session is over")
    return Signed(user, claims.session_id)


def refuse_cross_site(request: Request, parts: Parts) -> None:
    """Refuse what a browser sends for a page of another site; without either header it is no browser, and passes."""
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise ApiError(CROSS_SITE_REQUEST)
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if origin != own and origin not in allowed_origins(parts):
        raise ApiError(CROSS_SITE_REQUEST, "The request's Origin is not allowed")


def allowed_origins(parts: Parts) -> tuple[str, ...]:
    """Pages that may call from a browser: those of the settings, and in the demo profile the usual local ones."""
    configured = parts.settings.cors_origins
    return (*configured, *DEMO_ORIGINS) if parts.settings.profile == "demo" else configured


def _bearer_token(request: Request) -> str | None:
    value = request.headers.get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(TOKEN_INVALID, "The Authorization header is not `Bearer TOKEN`")
    return token.strip()


def _refuse_conflict(parts: Parts, user_id: UUID, cookie: str) -> None:
    """A cookie that is no longer good says nothing against the header."""
    try:
        other = parts.tokens.read(cookie).user_id
    except ApiError:
        return
    if other != user_id:
        raise ApiError(CREDENTIALS_CONFLICT)


Caller = Annotated[Signed, Depends(authenticate)]
SCHEMES: Final = [Depends(_password), Depends(_bearer), Depends(_cookie)]
SIGNED_IN: Final = responses(*REFUSALS)
