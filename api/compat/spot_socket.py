"""One client of seed 002's: its socket, what of its user's orders it is sent, and why it ends."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.compat import spot, spot_store
from api.compat.spot import NOTHING
from api.compat.spot_prices import message_text
from api.compat.spot_store import SpotOrder
from api.compat.spot_views import SpotView, of_progress, of_venue_update
from api.credentials.tokens import now as clock
from api.dispatch.read_your_writes import wait_for
from api.http.problems import TOKEN_EXPIRED, TOKEN_INVALID
from api.log.event_bus import AccountEvent
from api.stream.closes import SLOW, TOO_LARGE, TOO_MANY_MESSAGES, SocketClose
from api.stream.message_rate import TEXT_MAX, MessageRate
from api.stream.outbox import Overflow, SocketOutbox

WAITING_MAX: Final = 1_000
# What this seed closes with where the token is not good.
POLICY: Final = 1008
SIGNED_OUT: Final = SocketClose(POLICY, TOKEN_INVALID.title)
EXPIRED: Final = SocketClose(POLICY, TOKEN_EXPIRED.title)
Listener = Callable[[SpotOrder], None]


class SpotSocket:
    """A second tab of the same user has its own; used on the loop only."""

    def __init__(self, state: AppState, websocket: WebSocket, signed: SignedInUser) -> None:
        self._app = state
        self._websocket = websocket
        self.signed = signed
        self._user_id = str(signed.user.user_id)
        self.outbox = SocketOutbox(WAITING_MAX, on_overflow=lambda: self.close(SLOW))
        self._queue: asyncio.Queue[SpotOrder | AccountEvent] = asyncio.Queue()
        self._pending: set[str] = set()
        self._sent: set[tuple[str, str]] = set()
        self._closing: asyncio.Future[SocketClose] = asyncio.get_running_loop().create_future()

    def close(self, why: SocketClose) -> None:
        """End it; the first reason counts."""
        if not self._closing.done():
            self._closing.set_result(why)

    def take(self, item: SpotOrder | AccountEvent) -> None:
        """Take note of an order, or of what became of one."""
        if self._queue.qsize() >= WAITING_MAX:
            self.close(SLOW)
        else:
            self._queue.put_nowait(item)

    async def run(self, listen: Callable[[str, Listener], Callable[[], None]]) -> None:
        """Send until either side ends it; listen: have an account's orders delivered as they are taken."""
        self.outbox.put(message_text("CONNECTED", {"userId": self._user_id}))
        account_id = self.signed.account_id
        subscription = self._app.bus.subscribe(account_id, self.take)
        assert self.signed.expires_at is not None, "of tokens the end is known"
        seconds = self.signed.expires_at.timestamp() - clock().timestamp()
        expiry = asyncio.get_running_loop().call_later(max(0.0, seconds), self.close, EXPIRED)
        cancellations = (
            listen(account_id, self.take),
            self._app.venue.listen(account_id, lambda update: self._send(of_venue_update(update, self._user_id))),
            subscription.cancel,
            expiry.cancel,
        )
        tasks = [asyncio.create_task(work) for work in (self._write(), self._read(), self._orders())]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._closing]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for cancel in cancellations:
                cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._closing.done():
            await self._end(self._closing.result())

    async def _end(self, why: SocketClose) -> None:
        try:
            await self._websocket.close(why.code, why.reason)
        except (WebSocketDisconnect, RuntimeError):
            return  # The client went first.

    async def _write(self) -> None:
        try:
            async for text in self.outbox:
                await self._websocket.send_text(text)
                self._app.metrics.stream_messages.inc()
        except Overflow:
            self.close(SLOW)

    async def _read(self) -> None:
        """Whatever a client says changes nothing; that it went ends the socket, and so does too much."""
        rate = MessageRate()
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not rate.takes():
                self.close(TOO_MANY_MESSAGES)
                return
            if len(message.get("text") or "") > TEXT_MAX:
                self.close(TOO_LARGE)
                return

    async def _orders(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                await (self._on_order(item) if isinstance(item, SpotOrder) else self._on_event(item))
            except SQLAlchemyError:
                # The list still has it, once the database answers again.
                continue

    async def _on_order(self, order: SpotOrder) -> None:
        self._send_pending(order)
        if order.error is not None:
            await self._send_progress(order)

    async def _on_event(self, account_event: AccountEvent) -> None:
        event = account_event.event
        if event.command_id is None:
            return
        account_id, command_id = self.signed.account_id, event.command_id
        order = await self._app.database.ask(lambda db: spot_store.find(db, account_id, command_id))
        if order is None:
            return
        self._send_pending(order)
        # What came of it is told once, so that it is waited for until the tables have it.
        while await wait_for(self._app.database, account_event.shard, event.seq) > 0:
            pass
        await self._send_progress(order)

    def _send_pending(self, order: SpotOrder) -> None:
        if order.order_id not in self._pending:
            self._pending.add(order.order_id)
            progress = spot.SpotProgress(order, "PENDING", NOTHING, None, None)
            self._send(of_progress(progress, self._user_id))

    async def _send_progress(self, order: SpotOrder) -> None:
        (progress,) = await spot.progress_of(self._app, [order])
        if progress.status != "PENDING" and (order.order_id, progress.status) not in self._sent:
            self._sent.add((order.order_id, progress.status))
            self._send(of_progress(progress, self._user_id))

    def _send(self, view: SpotView) -> None:
        self.outbox.put(message_text("ORDER_UPDATE", view.written()))
