"""Routes of the rules, for administrators."""

from typing import Final

from fastapi import APIRouter

from api.app_state import BroadcastsDep
from api.auth.caller import ADMIN_REFUSALS, SESSION_SCHEMES, Administrator, AdminReader
from api.http.numbers import ExactRoute
from api.http.problems import CROSS_SITE_REQUEST, MALFORMED, REFUSALS, RULES_VERSION_UNKNOWN, responses
from api.rules import service
from api.rules.schemas import ActivationReply, ActivationRequest, RulesReply
from schemas.rejections import Rejection

REFUSED: Final = (
    CROSS_SITE_REQUEST,
    MALFORMED,
    REFUSALS[Rejection.RULES_VERSION_NOT_NEXT],
    RULES_VERSION_UNKNOWN,
)

router = APIRouter(prefix="/admin/rules", tags=["admin"], route_class=ExactRoute, dependencies=SESSION_SCHEMES)


@router.get("", responses=responses(*ADMIN_REFUSALS))
async def get_rules(broadcasts: BroadcastsDep, _: AdminReader) -> RulesReply:
    """Tell which version of the rules is in force."""
    return await service.rules(broadcasts)


@router.post("", status_code=202, responses=responses(*ADMIN_REFUSALS, *REFUSED))
async def activate_rules(broadcasts: BroadcastsDep, caller: Administrator, body: ActivationRequest) -> ActivationReply:
    """Go on by the next version of the rules, in every shard; the engines must have it already."""
    return await service.activate(broadcasts, caller.user.user_id, body.version)
