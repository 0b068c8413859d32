"""Routes of the demo profile."""

from typing import Final

from fastapi import APIRouter, Response
from starlette.responses import JSONResponse

from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.demo import service
from api.demo.schemas import DepositReply, DepositRequest
from api.dispatch.dispatcher import DispatcherDep
from api.dispatch.replies import ACCEPTED, EVERY_COMMAND, Pending, accepted
from api.dispatch.request_options import OptionsDep
from api.http.numbers import ExactRoute
from api.http.problems import REFUSALS, responses
from schemas.rejections import Rejection

REFUSED: Final = tuple(
    REFUSALS[rejection]
    for rejection in (Rejection.AMOUNT_NOT_POSITIVE, Rejection.DEPOSIT_LIMIT, Rejection.BALANCE_LIMIT)
)

router = APIRouter(prefix="/demo", tags=["demo"], route_class=ExactRoute, dependencies=SCHEMES)


@router.post(
    "/deposit", response_model=DepositReply, responses=SIGNED_IN | responses(*EVERY_COMMAND, *REFUSED) | ACCEPTED
)
async def deposit(
    dispatcher: DispatcherDep, caller: Caller, body: DepositRequest, options: OptionsDep, response: Response
) -> DepositReply | JSONResponse:
    """Bring demo money into your account, up to 100,000 a day."""
    reply = await service.deposit(dispatcher, caller.account_id, body.amount, options)
    if isinstance(reply, Pending):
        return accepted(reply)
    response.headers.update(reply.headers())
    return service.deposit_of(reply, body.amount)
