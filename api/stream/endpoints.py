"""Routes of the stream: the WebSocket, and the ticket that opens one."""

from typing import Final

from fastapi import APIRouter, WebSocket

from api.app_state import StateDep
from api.auth.caller import REFUSALS, SCHEMES, Caller
from api.http.problems import CROSS_SITE_REQUEST, MALFORMED, responses
from api.stream.schemas import WsTicket
from api.stream.sockets import Sockets
from api.stream.tickets import TICKET_LIFETIME, make_ticket

router = APIRouter(tags=["stream"])

_REFUSED: Final = responses(*REFUSALS, CROSS_SITE_REQUEST, MALFORMED)


@router.post("/ws-ticket", status_code=201, dependencies=SCHEMES, responses=_REFUSED)
async def make_ws_ticket(state: StateDep, caller: Caller) -> WsTicket:
    """Make a ticket that opens one WebSocket, once and soon: `/api/v1/ws?ticket=…`."""
    ticket = await make_ticket(state, caller)
    return WsTicket(ticket=ticket, expires_in=int(TICKET_LIFETIME.total_seconds()))


async def serve_websocket(websocket: WebSocket) -> None:
    """Subscribe to channels, and be told what happens."""
    sockets: Sockets = websocket.app.state.sockets
    await sockets.serve(websocket)
