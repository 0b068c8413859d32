"""How prices and updates of orders reach seed 002's clients: each socket of a user, PENDING first."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket

from api.app_state import AppState
from api.auth.caller import SignedInUser, believe
from api.compat.spot_prices import SpotPrices
from api.compat.spot_socket import SIGNED_OUT, Listener, SpotSocket
from api.compat.spot_store import SpotOrder
from api.http.problems import (
    CROSS_SITE_REQUEST,
    DATABASE_UNAVAILABLE,
    RATE_LIMITED,
    TOO_MANY_SOCKETS,
    ApiError,
    problem_response,
)
from api.http.seed_clients import older_members
from api.store import users as store
from api.stream.admission import Admission
from runtime.counted_addresses import counted

LOOK_S: Final = 5.0  # how often is looked for sessions that are over
RETRY_S: Final = "5"


class SpotStream:
    """All sockets of this kind; used on the loop only. admission: counts them together with the API's own."""

    def __init__(self, state: AppState, admission: Admission) -> None:
        self._app = state
        self._admission = admission
        self._prices = SpotPrices(state)
        self._listeners: dict[str, list[Listener]] = {}
        self._sockets: set[SpotSocket] = set()
        self._working: asyncio.Task[None] | None = None

    def publish(self, order: SpotOrder) -> None:
        """Send an account's sockets an order that was just taken here; elsewhere its outcome is sent."""
        for listener in tuple(self._listeners.get(order.account_id, ())):
            listener(order)

    def listen(self, account_id: str, listener: Listener) -> Callable[[], None]:
        """Have an account's orders delivered as they are taken; calling the result ends that."""
        listeners = self._listeners.setdefault(account_id, [])
        listeners.append(listener)

        def leave() -> None:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(account_id, None)

        return leave

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client, from its handshake to its end; who has no good token gets no socket."""
        with self._admission.place(websocket) as has_room:
            try:
                signed = await self._admit(websocket, has_room=has_room)
            except ApiError as error:
                error.members = older_members(error)
                await websocket.send_denial_response(problem_response(error, websocket.url.path))
                return
            try:
                await websocket.accept()
                await self._run(SpotSocket(self._app, websocket, signed))
            finally:
                self._admission.leave(signed.account_id)

    async def _run(self, socket: SpotSocket) -> None:
        self._sockets.add(socket)
        self._prices.subscribe(socket.outbox)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        try:
            await socket.run(self.listen)
        finally:
            self._prices.unsubscribe(socket.outbox)
            self._sockets.discard(socket)
            self._app.metrics.stream_conflated.inc(socket.outbox.conflated)
            if not self._sockets:
                self._working.cancel()

    async def _work(self) -> None:
        """Do once what every socket needs, for as long as there is one."""
        await asyncio.gather(self._prices.publish_for_ever(), self._look_for_ever())

    async def _admit(self, websocket: WebSocket, *, has_room: bool) -> SignedInUser:
        """Give whose token it is. A refused handshake counts as its address's: a page that tries at once is held up."""
        if not self._admission.may_connect(websocket):
            raise ApiError(CROSS_SITE_REQUEST, "The page's Origin is not allowed")
        if not has_room or self._admission.is_closed:
            raise ApiError(TOO_MANY_SOCKETS, headers={"Retry-After": RETRY_S})
        address = "" if websocket.client is None else counted(websocket.client.host)
        try:
            # No token is no good token.
            signed = await believe(self._app, websocket.query_params.get("token", ""))
        except ApiError:
            standing = self._app.rate_limits.take("public", address)
            if not standing.allowed:
                raise ApiError(RATE_LIMITED, headers={"Retry-After": str(standing.reset_s)}) from None
            raise
        except SQLAlchemyError as error:
            raise ApiError(DATABASE_UNAVAILABLE, headers={"Retry-After": "1"}) from error
        if not self._admission.enter(signed.account_id):
            raise ApiError(TOO_MANY_SOCKETS, headers={"Retry-After": RETRY_S})
        return signed

    async def _look_for_ever(self) -> None:
        """End the sockets whose session is over."""
        while True:
            await asyncio.sleep(LOOK_S)
            sessions = [socket.signed.session_id for socket in self._sockets if socket.signed.session_id is not None]
            try:
                good = await self._app.database.ask(partial(store.going_on, session_ids=sessions))
            except SQLAlchemyError as error:
                structlog.get_logger().warning("sessions not looked up", error=str(error))
                continue
            for socket in self._sockets:
                if socket.signed.session_id not in good:
                    socket.close(SIGNED_OUT)
