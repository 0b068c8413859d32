"""All WebSockets of this process: which are let in, which sign-ins are over, and how they end with it."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog
from fastapi import WebSocket
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.store import api_keys as key_store
from api.store import users as store
from api.stream.admission import Admission
from api.stream.alert_feed import AlertFeed
from api.stream.closes import RESTART, REVOKED, SIGNED_OUT, SocketClose
from api.stream.feeds import AccountFeeds
from api.stream.socket import Socket
from api.stream.ticker_board import TickerBoard

LOOK_S: Final = 5.0  # how often is looked for sessions that are over, and keys that are revoked
SHUTDOWN_S: Final = 3.0  # a second more than an order waits for its outcome
FULL: Final = SocketClose(1013, "too many sockets; try again later")


class Sockets:
    """Used on the loop only."""

    def __init__(self, state: AppState, dispatcher: Dispatcher) -> None:
        self._app = state
        self._dispatcher = dispatcher
        self._board = TickerBoard(state)
        self._accounts = AccountFeeds(state)
        self._alerts = AlertFeed(state)
        self._sockets: set[Socket] = set()
        self._ended: asyncio.Event = asyncio.Event()
        self.admission = Admission(state)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client, from its handshake to its end."""
        if not self.admission.may_connect(websocket):
            await websocket.close(1008)
            return
        await websocket.accept()
        with self.admission.place(websocket) as has_room:
            if self.admission.is_closed or not has_room:
                await _close(websocket, RESTART if self.admission.is_closed else FULL)
            else:
                await self._run(websocket)

    async def run_for_ever(self) -> None:
        """Send what is new, and end the sockets whose session is over."""
        await asyncio.gather(self._board.publish_for_ever(), self._alerts.publish_for_ever(), self._look_for_ever())

    async def shut_down(self) -> None:
        """Send every client that the server goes down, wait for orders and for the slow ones, and let nobody in."""
        self.admission.is_closed = True
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await asyncio.gather(*(socket.shut_down() for socket in self._sockets))
                while self._sockets:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            for socket in self._sockets:
                socket.close(RESTART)

    async def _run(self, websocket: WebSocket) -> None:
        socket = Socket(
            self._app, websocket, self._board, self._accounts, self._alerts, self.admission, self._dispatcher
        )
        self._sockets.add(socket)
        metrics = self._app.metrics
        metrics.stream_sockets.set(len(self._sockets))
        why: SocketClose | None = None
        try:
            why = await socket.run(websocket.query_params.get("ticket"))
            if why is not None:
                await _close(websocket, why)
            await socket.finish()
        finally:
            self._sockets.discard(socket)
            metrics.stream_sockets.set(len(self._sockets))
            metrics.stream_closes.labels("client" if why is None else str(why.code)).inc()
            self._ended.set()

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._end_without(lambda signed: signed.session_id, store.going_on, SIGNED_OUT)
                await self._end_without(lambda signed: signed.key_id, key_store.still_there, REVOKED)
            except SQLAlchemyError as error:
                structlog.get_logger().warning("sessions and keys not looked up", error=str(error))

    async def _end_without(
        self,
        credential_of: Callable[[SignedInUser], UUID | None],
        still_good: Callable[[Connection, list[UUID]], set[UUID]],
        why: SocketClose,
    ) -> None:
        """End the sockets whose session, or key, is not good any more, whichever process ended it."""
        by_credential: dict[UUID, list[Socket]] = {}
        for socket in self._sockets:
            credential = None if socket.signed is None else credential_of(socket.signed)
            if credential is not None:
                by_credential.setdefault(credential, []).append(socket)
        if not by_credential:
            return
        good = await self._app.database.ask(lambda db: still_good(db, list(by_credential)))
        for credential, sockets in by_credential.items():
            if credential not in good:
                for socket in sockets:
                    socket.close(why)


async def _close(websocket: WebSocket, why: SocketClose) -> None:
    try:
        await websocket.close(why.code, why.reason)
    except (WebSocketDisconnect, RuntimeError):
        return  # The client went first.
