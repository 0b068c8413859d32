"""Routes of the demo profile."""

from typing import Final

from fastapi import APIRouter, Response
from starlette.responses import JSONResponse

from api.app_state import Api
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.demo import service
from api.demo.schemas import Deposit, DepositRequest
from api.dispatch.dispatcher import Undecided
from api.dispatch.replies import ACCEPTED, EVERY_COMMAND, accepted
from api.dispatch.request_options import Asking
from api.http.numbers import ExactRoute
from api.http.problems import REFUSALS, responses
from schemas.rejections import Rejection

REFUSED: Final = tuple(
    REFUSALS[rejection]
    for rejection in (Rejection.AMOUNT_NOT_POSITIVE, Rejection.DEPOSIT_LIMIT, Rejection.BALANCE_LIMIT)
)

router = APIRouter(prefix="/demo", tags=["demo"], route_class=ExactRoute, dependencies=SCHEMES)


@router.post("/deposit", response_model=Deposit, responses=SIGNED_IN | responses(*EVERY_COMMAND, *REFUSED) | ACCEPTED)
async def deposit(
    parts: Api, caller: Caller, body: DepositRequest, asked: Asking, response: Response
) -> Deposit | JSONResponse:
    """Bring demo money into your account, up to 100,000 a day."""
    reply = await service.deposit(parts, caller.account_id, body.amount, asked)
    if isinstance(reply, Undecided):
        return accepted(reply)
    response.headers.update(reply.headers())
    return service.deposit_of(reply, body.amount)
