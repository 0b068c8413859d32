"""All WebSockets of this process: which are let in, which sign-ins are over, and how they end with it."""

import asyncio
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from fastapi import WebSocket
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect

from reprise.api.auth import store
from reprise.api.auth.caller import allowed_origins
from reprise.api.parts import Parts
from reprise.api.stream.board import Board
from reprise.api.stream.feeds import AccountFeeds
from reprise.api.stream.socket import RESTART, SIGNED_OUT, Close, Socket

SOCKETS_MAX: Final = 5_000
LOOK_S: Final = 5.0  # how often is looked for sessions that are over
SHUTDOWN_S: Final = 2.0
FULL: Final = Close(1013, "too many sockets; try again later")
SCHEMES: Final = {"ws": "http", "wss": "https"}


class Sockets:
    """Used on the loop only."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._board = Board(parts)
        self._accounts = AccountFeeds(parts)
        self._sockets: set[Socket] = set()
        self._ended: asyncio.Event = asyncio.Event()
        self._going_down = False

    async def serve(self, websocket: WebSocket) -> None:
        """Talk with one client, from its handshake to its end."""
        if not self._may_connect(websocket):
            await websocket.close(1008)
            return
        await websocket.accept()
        if self._going_down or len(self._sockets) >= SOCKETS_MAX:
            await _close(websocket, RESTART if self._going_down else FULL)
            return
        socket = Socket(self._parts, websocket, self._board, self._accounts)
        self._sockets.add(socket)
        metrics = self._parts.metrics
        metrics.stream_sockets.set(len(self._sockets))
        why: Close | None = None
        try:
            why = await socket.run(websocket.query_params.get("ticket"))
        finally:
            self._sockets.discard(socket)
            metrics.stream_sockets.set(len(self._sockets))
            metrics.stream_closes.labels("client" if why is None else str(why.code)).inc()
            self._ended.set()
        if why is not None:
            await _close(websocket, why)

    async def run_for_ever(self) -> None:
        """Tell what is new, and end the sockets whose session is over."""
        await asyncio.gather(self._board.tell_for_ever(), self._look_for_ever())

    async def shut_down(self) -> None:
        """Tell every client that the server goes down, wait a little for the slow ones, and let nobody in."""
        self._going_down = True
        for socket in self._sockets:
            socket.shut_down()
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                while self._sockets:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            for socket in self._sockets:
                socket.close(RESTART)

    def _may_connect(self, websocket: WebSocket) -> bool:
        """Say whether the page that opens it may: a browser names it, and nothing else does."""
        origin = websocket.headers.get("origin")
        if origin is None:
            return True
        scheme = SCHEMES.get(websocket.url.scheme, websocket.url.scheme)
        own = f"{scheme}://{websocket.headers.get('host', '')}"
        return origin == own or origin in allowed_origins(self._parts)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            by_session = self._by_session()
            if not by_session:
                continue
            try:
                going_on = await self._parts.database.ask(partial(store.going_on, session_ids=list(by_session)))
            except SQLAlchemyError as error:
                structlog.get_logger().warning("sessions not looked up", error=str(error))
                continue
            for session_id, sockets in by_session.items():
                if session_id not in going_on:
                    for socket in sockets:
                        socket.close(SIGNED_OUT)

    def _by_session(self) -> dict[UUID, list[Socket]]:
        by_session: dict[UUID, list[Socket]] = {}
        for socket in self._sockets:
            if socket.signed is not None and socket.signed.session_id is not None:
                by_session.setdefault(socket.signed.session_id, []).append(socket)
        return by_session


async def _close(websocket: WebSocket, why: Close) -> None:
    try:
        await websocket.close(why.code, why.reason)
    except (WebSocketDisconnect, RuntimeError):
        return  # The client went first.
