"""Routes of users: register, login, logout, me."""

from typing import Final

from fastapi import APIRouter, Request, Response

from reprise.api.auth import service
from reprise.api.auth.caller import (
    COOKIE,
    SCHEMES,
    SECURE_COOKIE,
    SIGNED_IN,
    Caller,
    refuse_cross_site,
)
from reprise.api.auth.forms import BODY, Credentials
from reprise.api.auth.schemas import RegisterRequest, TokenReply, UserReply, user_reply
from reprise.api.auth.tokens import LIFETIME
from reprise.api.numbers import ExactRoute
from reprise.api.parts import Api
from reprise.api.problems import (
    BAD_CREDENTIALS,
    CROSS_SITE_REQUEST,
    DATABASE_UNAVAILABLE,
    EMAIL_TAKEN,
    MALFORMED,
    TOO_MANY_LOGINS,
    responses,
)

_ANYONE: Final = (CROSS_SITE_REQUEST, MALFORMED, DATABASE_UNAVAILABLE)

router = APIRouter(prefix="/auth", tags=["auth"], route_class=ExactRoute)


@router.post("/register", status_code=201, responses=responses(EMAIL_TAKEN, *_ANYONE))
async def register(parts: Api, request: Request, body: RegisterRequest, response: Response) -> UserReply:
    """Make a user and their account; in the demo profile it begins with 5,000 USDC."""
    refuse_cross_site(request, parts)
    registered = await service.register(parts, body)
    response.headers.update(registered.headers)
    return user_reply(registered.user)


@router.post("/login", openapi_extra=BODY, responses=responses(BAD_CREDENTIALS, TOO_MANY_LOGINS, *_ANYONE))
async def login(parts: Api, request: Request, credentials: Credentials, response: Response) -> TokenReply:
    """Sign in, by JSON or by OAuth2's password form; the reply's token is in the cookie too."""
    refuse_cross_site(request, parts)
    address = request.client.host if request.client is not None else ""
    token, headers = await service.login(parts, credentials, address)
    response.headers.update(headers)
    seconds = int(LIFETIME.total_seconds())
    secure = request.url.scheme == "https"
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        token,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    response.headers["Cache-Control"] = "no-store"
    return TokenReply(access_token=token, expires_in=seconds)


@router.post("/logout", status_code=204, dependencies=SCHEMES, responses=SIGNED_IN | responses(CROSS_SITE_REQUEST))
async def logout(parts: Api, caller: Caller, response: Response) -> None:
    """End this session: its tokens are worth nothing from here on."""
    await service.logout(parts, caller)
    for name in (SECURE_COOKIE, COOKIE):
        response.delete_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="lax")


@router.get("/me", dependencies=SCHEMES, responses=SIGNED_IN)
async def me(caller: Caller) -> UserReply:
    """Say who is signed in."""
    return user_reply(caller.user)
