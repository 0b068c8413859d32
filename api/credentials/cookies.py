"""Which cookies carry credentials, under which names, and how they are set and taken back."""

from typing import Final, Literal

from fastapi import Request, Response

from runtime.settings import Profile

COOKIE: Final = "session"
SECURE_COOKIE: Final = "__Host-session"  # what the cookie is called over https
SEED_COOKIES: Final = ("authToken", "token")  # seed 001's; seeds 000's and 003's
REFRESH_COOKIE: Final = "refresh"
SECURE_REFRESH_COOKIE: Final = "__Secure-refresh"  # `__Host-` would send it to every path
REFRESH_PATH: Final = "/api/v1/auth"
DEVICE_COOKIE: Final = "device"  # stays after a logout: that the device signed in before is no credential
SECURE_DEVICE_COOKIE: Final = "__Host-device"

LoginCookie = Literal["session", "authToken", "token"]


def login_cookies(request: Request, profile: Profile) -> list[str]:
    """Give the access tokens of a request's cookies, in the order in which they are believed."""
    seeds = SEED_COOKIES if profile == "demo" else ()
    values = (request.cookies.get(name) for name in (SECURE_COOKIE, COOKIE, *seeds))
    return [value for value in values if value]


def refresh_cookie(request: Request) -> str | None:
    """Give the refresh token of a request, if it has one."""
    return request.cookies.get(SECURE_REFRESH_COOKIE) or request.cookies.get(REFRESH_COOKIE)


def set_login_cookie(
    request: Request, response: Response, token: str, seconds: int, name: LoginCookie = COOKIE
) -> None:
    """Set the one cookie of a login, and take back the others the request came with: they may be another user's."""
    secure = request.url.scheme == "https"
    own = SECURE_COOKIE if secure and name == COOKIE else name
    response.set_cookie(own, token, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")
    for other in (SECURE_COOKIE, COOKIE, *SEED_COOKIES):
        if other != own and other in request.cookies:
            _take_back(response, other)


def set_refresh_cookie(request: Request, response: Response, token: str, seconds: int) -> None:
    """Set the refresh token's cookie, which only the routes of users are sent."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        SECURE_REFRESH_COOKIE if secure else REFRESH_COOKIE,
        token,
        max_age=seconds,
        path=REFRESH_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def device_cookie(request: Request) -> str | None:
    """Give the token by which a request's device says that it signed in before, if it has one."""
    return request.cookies.get(SECURE_DEVICE_COOKIE) or request.cookies.get(DEVICE_COOKIE)


def set_device_cookie(request: Request, response: Response, token: str, seconds: int) -> None:
    """Set the cookie by which this device is known at its next sign-in."""
    secure = request.url.scheme == "https"
    name = SECURE_DEVICE_COOKIE if secure else DEVICE_COOKIE
    response.set_cookie(name, token, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")


def forget_device(response: Response) -> None:
    """Take back the cookies of the device."""
    for name in (SECURE_DEVICE_COOKIE, DEVICE_COOKIE):
        secure = name == SECURE_DEVICE_COOKIE
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def take_back_cookies(response: Response) -> None:
    """Take back every credential."""
    for name in (SECURE_COOKIE, COOKIE, *SEED_COOKIES):
        _take_back(response, name)
    for name in (SECURE_REFRESH_COOKIE, REFRESH_COOKIE):
        secure = name == SECURE_REFRESH_COOKIE
        response.delete_cookie(name, path=REFRESH_PATH, secure=secure, httponly=True, samesite="strict")


def _take_back(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="lax")
