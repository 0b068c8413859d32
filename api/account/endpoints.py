"""Routes of the account."""

from fastapi import APIRouter

from api.account import service
from api.account.schemas import Account
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.parts import Api
from api.problems import MALFORMED, REFUSALS, responses
from api.progress import CAUGHT_UP
from schemas.rejections import Rejection

router = APIRouter(prefix="/account", tags=["account"], dependencies=SCHEMES)


@router.get(
    "",
    dependencies=[CAUGHT_UP],
    responses=SIGNED_IN | responses(REFUSALS[Rejection.ACCOUNT_UNKNOWN], MALFORMED),
)
async def get_account(parts: Api, caller: Caller) -> Account:
    """Give your account."""
    return await service.find(parts, caller.account_id)
