"""Routes of API keys."""

from fastapi import APIRouter, Response

from api.api_keys import service
from api.api_keys.schemas import ApiKey, ApiKeyRequest, ApiKeys, key_reply
from api.app_state import DatabaseDep
from api.auth.caller import REFUSALS, SESSION_SCHEMES, SIGNED_IN, InPerson
from api.http.numbers import ExactRoute
from api.http.problems import CROSS_SITE_REQUEST, MALFORMED, NOT_FOUND, TOO_MANY_API_KEYS, responses

router = APIRouter(prefix="/api-keys", tags=["api-keys"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)


@router.get("", responses=SIGNED_IN)
async def list_api_keys(database: DatabaseDep, caller: InPerson) -> ApiKeys:
    """List your API keys."""
    return ApiKeys(items=[key_reply(key) for key in await service.page(database, caller)])


@router.post("", status_code=201, responses=responses(*REFUSALS, CROSS_SITE_REQUEST, MALFORMED, TOO_MANY_API_KEYS))
async def create_api_key(database: DatabaseDep, caller: InPerson, body: ApiKeyRequest, response: Response) -> ApiKey:
    """Register the public half of an Ed25519 key of yours.

    A request it signs has the headers `X-Api-Key` (the id), `X-Timestamp` (ms), `X-Window` (ms; 5000, at most 60000),
    `X-Nonce` (8 to 64 of `[A-Za-z0-9._-]`, once for ever) and `X-Signature` (base64), over these twelve lines, joined
    by a line feed: `REPRISE-ED25519-2`, the id, the timestamp, the window, the nonce, the method, the path, the query
    without its question mark, the SHA-256 of the body in hex, and the values of the headers `Idempotency-Key`,
    `If-Match` and `Prefer`, empty where the request has none.
    """
    key = await service.create(database, caller, body)
    response.headers["Location"] = f"/api/v1/api-keys/{key.key_id}"
    return key_reply(key)


@router.get("/{key_id}", responses=responses(*REFUSALS, NOT_FOUND, MALFORMED))
async def get_api_key(database: DatabaseDep, caller: InPerson, key_id: str) -> ApiKey:
    """Give one API key of yours."""
    return key_reply(await service.find(database, caller, key_id))


@router.delete("/{key_id}", status_code=204, responses=responses(*REFUSALS, CROSS_SITE_REQUEST, NOT_FOUND, MALFORMED))
async def revoke_api_key(database: DatabaseDep, caller: InPerson, key_id: str) -> None:
    """Delete an API key: what it signs is refused from here on."""
    await service.revoke(database, caller, key_id)
