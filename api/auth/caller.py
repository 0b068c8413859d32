"""Who sent this request, by header, signature or cookie.

`Caller` is whoever may do it: a session, or an API key for which `key_permissions` has the route. `InPerson` is a
session only. `Administrator` is in person, and has the role now; `AdminReader` may be an auditor too, who reads what an
administrator does, and writes nothing.
"""

from datetime import datetime
from time import time_ns
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer, OAuth2PasswordBearer

from api.app_state import AppState, StateDep
from api.auth.cross_site import SAFE_METHODS, is_foreign_page, refuse_cross_site
from api.auth.key_permissions import check_scope, is_of_account, login_needed
from api.credentials.cookies import COOKIE, login_cookies
from api.credentials.signatures import KEY_HEADER, check_request, check_time, read_signature
from api.credentials.tokens import Claims
from api.http.head import method_of
from api.http.problems import (
    CREDENTIALS_CONFLICT,
    DATABASE_UNAVAILABLE,
    FORBIDDEN,
    NOT_AUTHENTICATED,
    ROLE_READ_ONLY,
    SCOPE_MISSING,
    SIGNATURE_INVALID,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    ApiError,
    responses,
)
from api.http.rate_limits import is_counted
from api.http.seed_clients import is_of_seed, login_cookie_of
from api.store import api_keys as key_store
from api.store.users import User
from runtime.counted_addresses import counted

PREVIEW: Final = "/api/v1/orders/preview"
READING: Final = ("/api/v1/ws-ticket", PREVIEW)  # what is posted there changes nothing in the ledger
NO_TOKENS: Final = ("", "null", "undefined")  # what a page without a token sends as one
REFUSALS: Final = (
    *(NOT_AUTHENTICATED, TOKEN_INVALID, TOKEN_EXPIRED, SIGNATURE_INVALID, CREDENTIALS_CONFLICT),
    *(SCOPE_MISSING, ROLE_READ_ONLY, DATABASE_UNAVAILABLE),
)
ADMIN_REFUSALS: Final = (*REFUSALS, FORBIDDEN)
# Who may see what administrators see.
ADMIN_READERS: Final = frozenset({"admin", "auditor"})
SESSIONS: Final = "/api/v1/auth/sessions/"
# What an auditor may send besides what only reads: what is about their own login, and a ticket to a stream.
AUDITORS_OWN: Final = (
    *READING,
    *("/api/v1/auth/logout", "/api/v1/auth/logout-everywhere", "/api/v1/auth/password"),
)

# They only declare the schemes in OpenAPI; `authenticate` reads the credentials.
_password = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login", auto_error=False, scheme_name="password")
_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session")
_signature = APIKeyHeader(
    name=KEY_HEADER,
    auto_error=False,
    scheme_name="signature",
    description="An API key's id, beside X-Timestamp, X-Window, X-Nonce and X-Signature: see POST /api/v1/api-keys.",
)


class SignedInUser(NamedTuple):
    """A signed-in user, and the session they are in, or the API key that signed.

    began, expires_at: of the session. scopes: of the key; null of a session.
    """

    user: User
    session_id: UUID | None
    began: datetime | None = None
    expires_at: datetime | None = None
    key_id: UUID | None = None
    scopes: tuple[str, ...] | None = None

    @property
    def account_id(self) -> str:
        """The account that is theirs."""
        return self.user.account_id


async def authenticate(request: Request, state: StateDep) -> SignedInUser:
    """Give who sent a request; an auditor's is refused where it would write anything."""
    caller = await _identify(request, state)
    if request.method not in SAFE_METHODS and not is_auditors_own(request.url.path):
        refuse_auditor(caller)
    return caller


def refuse_auditor(caller: SignedInUser) -> None:
    """Refuse who may write nothing."""
    if caller.user.role == "auditor":
        raise ApiError(ROLE_READ_ONLY, "An auditor reads, and may not do this")


def is_auditors_own(path: str) -> bool:
    """Say whether an auditor may write here: it is about who they are, and about nothing of the exchange's."""
    return path in AUDITORS_OWN or path.startswith(SESSIONS)


async def _identify(request: Request, state: AppState) -> SignedInUser:
    """Believe the Authorization header first, then a signature, then the cookies; of one user all of them.

    On a seed's routes and at its port the cookie of its own login is enough, whoever's the others are.
    """
    header, of_account = _bearer_token(request), is_of_account(method_of(request.scope), request.scope["path"])
    cookies = login_cookies(request, state.settings.profile)
    if KEY_HEADER in request.headers:
        if header is not None:
            raise ApiError(CREDENTIALS_CONFLICT, f"Send one of Authorization and {KEY_HEADER}")
        return await _authenticate_key(request, state, cookies)
    if header is not None:
        claims = state.credentials.tokens.read(header)
        if not is_of_seed(request):
            # Pages of two seeds share this host's cookies, and a seed's own server looks at one credential.
            _refuse_others(state, claims.user_id, cookies)
        return await _in_session(state, [claims], of_account)
    if not cookies:
        raise ApiError(NOT_AUTHENTICATED)
    refuse_cross_site(request, state.settings)
    own = _good(state, [request.cookies.get(login_cookie_of(request) or "", "")])
    good = own + _good(state, cookies) or [state.credentials.tokens.read(cookies[0])]
    if not own:
        _refuse_others(state, good[0].user_id, cookies)
    theirs = [claims for claims in good if claims.user_id == good[0].user_id]
    return await _in_session(state, theirs, of_account)


async def believe(state: AppState, token: str) -> SignedInUser:
    """Give whose access token this is, where it did not come with a request's headers; 401 where it is not good."""
    return await _in_session(state, [state.credentials.tokens.read(token)])


def sessions_in_cookies(request: Request, state: AppState) -> list[UUID]:
    """Give the sessions whose tokens a request's cookies have, whoever's they are; none to a page of another site."""
    if is_foreign_page(request, state.settings):
        return []
    return [claims.session_id for claims in _good(state, login_cookies(request, state.settings.profile))]


async def signed_in(request: Request, state: StateDep) -> SignedInUser:
    """Give who sent the request; one that is refused is its address's, so that guessing is bounded."""
    try:
        return await authenticate(request, state)
    except ApiError:
        if not is_counted(request):
            state.rate_limits.count(request, "public", address_of(request))
        raise


# A signature is believed once: whatever else asks who the caller is in the same request must ask for this.
Caller = Annotated[SignedInUser, Depends(signed_in)]


async def in_person(caller: Caller) -> SignedInUser:
    """Believe a session only."""
    if caller.session_id is None:
        raise login_needed()
    return caller


InPerson = Annotated[SignedInUser, Depends(in_person)]


async def administrator(caller: InPerson) -> SignedInUser:
    """Believe only who has the role now, whatever they had when the token was made."""
    if caller.user.role != "admin":
        raise ApiError(FORBIDDEN, "Only administrators may")
    return caller


Administrator = Annotated[SignedInUser, Depends(administrator)]


async def admin_reader(caller: InPerson) -> SignedInUser:
    """Believe who may see what administrators see: they and auditors."""
    if caller.user.role not in ADMIN_READERS:
        raise ApiError(FORBIDDEN, "Only administrators and auditors may")
    return caller


AdminReader = Annotated[SignedInUser, Depends(admin_reader)]


def address_of(request: Request) -> str:
    """Give what a request's network address is counted by: `runtime.counted_addresses`."""
    return counted(request.client.host) if request.client is not None else ""


async def _authenticate_key(request: Request, state: AppState, cookies: list[str]) -> SignedInUser:
    """Believe a signature once; an unknown key gets the same answer as a wrong signature.

    Whom the key acts for is no business of who holds it: it is not given their email and name.
    """
    signature = read_signature(request.headers)
    check_time(signature, time_ns() // 1_000_000)
    key = await state.database.ask(lambda db: key_store.find_by_id(db, signature.key_id))
    if key is None:
        raise ApiError(SIGNATURE_INVALID)
    await check_request(request, signature, key.public_key)
    if not await state.database.ask(lambda db: key_store.use(db, signature)):
        raise ApiError(SIGNATURE_INVALID, "The nonce was used before, or the key was revoked")
    _refuse_others(state, key.user.user_id, cookies)
    check_scope(method_of(request.scope), request.scope["path"], key.scopes)
    return SignedInUser(key.user._replace(email="", name=None), None, key_id=signature.key_id, scopes=key.scopes)


async def _in_session(state: AppState, claims: list[Claims], of_account: bool = False) -> SignedInUser:
    """Give the user of the first session that is going on; as known a moment ago for what is of an account."""
    find = state.sessions.find if of_account else state.sessions.find_now
    for one in claims:
        found = await find(one.session_id, one.user_id)
        if found is not None:
            return SignedInUser(found[0], one.session_id, found[1], one.expires_at)
    raise ApiError(TOKEN_INVALID, "The session is over")


def _good(state: AppState, cookies: list[str]) -> list[Claims]:
    """Read the tokens that are ours and not over: another program's cookie may have one of these names."""
    claims = []
    for cookie in cookies:
        try:
            claims.append(state.credentials.tokens.read(cookie))
        except ApiError:
            continue
    return claims


def _refuse_others(state: AppState, user_id: UUID, cookies: list[str]) -> None:
    """Refuse cookies of another user; one that is no longer good is ignored."""
    if any(claims.user_id != user_id for claims in _good(state, cookies)):
        raise ApiError(CREDENTIALS_CONFLICT)


def _bearer_token(request: Request) -> str | None:
    value = request.headers.get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() == "bearer" and token.strip() in NO_TOKENS and is_of_seed(request):
        return None
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(TOKEN_INVALID, "The Authorization header is not `Bearer TOKEN`")
    return token.strip()


SESSION_SCHEMES: Final = [Depends(_password), Depends(_bearer), Depends(_cookie)]
SCHEMES: Final = [*SESSION_SCHEMES, Depends(_signature)]
SIGNED_IN: Final = responses(*REFUSALS)
