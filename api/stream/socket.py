"""One client's WebSocket: its requests and replies, who is signed in, and why it ends."""

import asyncio
from datetime import datetime
from typing import Any, Final, Literal

import structlog
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.app_state import AppState
from api.auth.caller import SignedInUser, believe
from api.auth.connections import ConnectionCaller
from api.auth.key_permissions import check_command_scopes
from api.credentials.tokens import now as clock
from api.dispatch.dispatcher import Dispatcher
from api.http.problems import (
    CREDENTIALS_CONFLICT,
    DATABASE_UNAVAILABLE,
    SERVER_STOPPING,
    TOKEN_EXPIRED,
    TOO_MANY_SOCKETS,
    ApiError,
)
from api.http.times import now, text_of
from api.stream.admission import Admission
from api.stream.alert_feed import AlertFeed
from api.stream.channels import PRIVATE
from api.stream.closes import EXPIRED, RESTART, SLOW, TOO_LARGE, TOO_MANY_MESSAGES, SocketClose
from api.stream.feeds import AccountFeeds
from api.stream.message_rate import REFUSED_BURST, REFUSED_RATE, TEXT_MAX, MessageRate
from api.stream.orders import SocketOrders
from api.stream.outbox import Overflow, SocketOutbox
from api.stream.requests import NotUnderstood, message_of, order_of, refusal, request_of
from api.stream.schemas import (
    WsAck,
    WsAuth,
    WsOperation,
    WsPing,
    WsPong,
    WsResume,
    WsShutdown,
    WsSubscribe,
    WsUnsubscribe,
)
from api.stream.subscriptions import Subscriptions
from api.stream.ticker_board import TickerBoard
from api.stream.tickets import use_ticket
from runtime.times import micros_at

WAITING_MAX: Final = 1_000  # messages that must arrive and were not read yet
EXPIRED_S: Final = 3.0  # for the answers to the orders that are in flight when the token expires
READS: Final = ("read",)


class Socket:
    """Lives as long as its connection; used on the loop only."""

    def __init__(
        self,
        state: AppState,
        websocket: WebSocket,
        board: TickerBoard,
        accounts: AccountFeeds,
        alerts: AlertFeed,
        admission: Admission,
        dispatcher: Dispatcher,
    ) -> None:
        self._app = state
        self._admission = admission
        self._websocket = websocket
        self._outbox = SocketOutbox(WAITING_MAX, on_overflow=lambda: self.close(SLOW))
        self._subscriptions = Subscriptions(state, board, accounts, alerts, self._outbox)
        self._signed: SignedInUser | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[SocketClose] = asyncio.get_running_loop().create_future()
        self._last = RESTART  # why it ends when there is nothing more to send
        self._rate = MessageRate()
        self._refused_orders = MessageRate(REFUSED_RATE, REFUSED_BURST)
        self._caller: ConnectionCaller | None = None
        self._orders = SocketOrders(state, dispatcher, self._send, self._count_refused)
        self._expiring: asyncio.Task[None] | None = None

    @property
    def signed(self) -> SignedInUser | None:
        """Who is signed in, if anybody is."""
        return self._signed

    @property
    def outbox(self) -> SocketOutbox:
        """What waits to be sent."""
        return self._outbox

    def close(self, why: SocketClose) -> None:
        """End it; the first reason counts."""
        if not self._closing.done():
            self._closing.set_result(why)

    async def shut_down(self) -> None:
        """Send that the server goes down, behind what waits, answer the orders in flight, and end."""
        self._send(WsShutdown(ts=text_of(now())))
        await self._orders.stop(SERVER_STOPPING)
        self._outbox.end()

    async def finish(self) -> None:
        """Wait until its orders in flight are decided, once it has ended."""
        await self._orders.finish()

    async def run(self, ticket: str | None) -> SocketClose | None:
        """Serve until either side ends it; why the server did, null where the client went."""
        writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read(ticket))
        try:
            await asyncio.wait((reading, writing, self._closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing):
                task.cancel()
            results = await asyncio.gather(reading, writing, return_exceptions=True)
            self._clean_up()
        if self._closing.done():
            return self._closing.result()
        for result in results:
            if isinstance(result, SocketClose):
                return result
            if isinstance(result, BaseException) and not isinstance(
                result, asyncio.CancelledError | WebSocketDisconnect
            ):
                raise result
        return None

    async def _write(self) -> SocketClose | None:
        sent = self._app.metrics.stream_messages
        try:
            async for text in self._outbox:
                await self._websocket.send_text(text)
                sent.inc()
        except Overflow:
            return SLOW
        return self._last

    async def _read(self, ticket: str | None) -> SocketClose | None:
        if ticket is not None:
            # Whatever stands in the address: what cannot be a ticket is none of ours.
            await self._answer(WsAuth.model_construct(op="auth", ticket=ticket))
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            text = message.get("text")
            if text is not None and len(text) > TEXT_MAX:
                return TOO_LARGE
            content = message_of(text)
            order = order_of(content)
            if order is not None:
                await self._orders.take(content, order, self._caller)
            elif self._rate.takes():
                await self._take(content)
            else:
                return TOO_MANY_MESSAGES

    async def _take(self, content: Any) -> None:
        try:
            request = request_of(content)
        except NotUnderstood as error:
            self._refuse(error.request_id, error.operation, error.reason)
        else:
            await self._answer(request)

    def _count_refused(self) -> None:
        if not self._refused_orders.takes():
            self.close(TOO_MANY_MESSAGES)

    async def _answer(self, request: WsOperation) -> None:
        operation = getattr(request, "op", None)
        try:
            await self._do(request)
        except ApiError as error:
            self._refuse(request.id, operation, error)
            if isinstance(request, WsAuth) and self._signed is None:
                # The refusal is still sent; then the socket ends.
                self._last = SocketClose(4401, error.kind.code)
                self._outbox.end()
        except SQLAlchemyError as error:
            structlog.get_logger().error("database", error=str(error.__cause__ or error))
            self._refuse(request.id, operation, ApiError(DATABASE_UNAVAILABLE))

    async def _do(self, request: WsOperation) -> None:
        match request:
            case WsPing():
                self._send(WsPong(id=request.id, ts=text_of(now())))
            case WsAuth():
                await self._sign_in(request)
            case WsSubscribe():
                await self._subscribe(request)
            case WsUnsubscribe():
                self._subscriptions.drop(request.channels)
                self._acknowledge(request.id, "unsubscribe")
            case WsResume():
                await self._resume(request)
            case _:
                raise AssertionError("every operation is one of these")

    async def _sign_in(self, request: WsAuth) -> None:
        if request.token is not None:
            signed = await believe(self._app, request.token)
        else:
            assert request.ticket is not None, "one of the two was given"
            signed = await use_ticket(self._app, request.ticket)
        if self._signed is not None and self._signed.user.user_id != signed.user.user_id:
            raise ApiError(CREDENTIALS_CONFLICT, "The socket is another user's")
        if self._signed is None and not self._admission.enter(signed.account_id):
            raise ApiError(TOO_MANY_SOCKETS)
        self._signed = signed
        self._caller = ConnectionCaller(self._app, signed)
        if self._expiry is not None:
            self._expiry.cancel()
        assert signed.expires_at is not None, "of tokens and tickets the end is known"
        seconds = signed.expires_at.timestamp() - clock().timestamp()
        self._expiry = asyncio.get_running_loop().call_later(max(0.0, seconds), self._expire)
        self._acknowledge(request.id, "auth")

    def _expire(self) -> None:
        """End it, behind the answers to the orders in flight."""
        if len(self._orders) == 0:
            self.close(EXPIRED)
        else:
            self._expiring = asyncio.create_task(self._end_behind_orders())

    async def _end_behind_orders(self) -> None:
        asyncio.get_running_loop().call_later(EXPIRED_S, self.close, EXPIRED)
        await self._orders.stop(TOKEN_EXPIRED)
        self._last = EXPIRED
        self._outbox.end()

    async def _subscribe(self, request: WsSubscribe) -> None:
        if any(channel in PRIVATE for channel in request.channels):
            self._refuse_unless_reads()
        channels = await self._subscriptions.prepare(request.channels, self._account_id())
        self._acknowledge(request.id, "subscribe")
        self._subscriptions.begin(channels)

    async def _resume(self, request: WsResume) -> None:
        self._refuse_unless_reads()
        missed = await self._subscriptions.prepare_resumption(request.after, self._account_id())
        self._acknowledge(request.id, "resume")
        self._subscriptions.resume(missed)

    def _clean_up(self) -> None:
        self._subscriptions.drop_all()
        if self._signed is not None:
            self._admission.leave(self._signed.account_id)
        if self._expiry is not None:
            self._expiry.cancel()
        self._app.metrics.stream_conflated.inc(self._outbox.conflated)

    def _refuse_unless_reads(self) -> None:
        """Refuse the private channels to an API key that only trades."""
        if self._signed is not None:
            check_command_scopes(READS, self._signed.scopes)

    def _account_id(self) -> str | None:
        return None if self._signed is None else self._signed.account_id

    def _acknowledge(
        self, request_id: str | int | None, op: Literal["subscribe", "unsubscribe", "auth", "resume"]
    ) -> None:
        signed = self._signed
        self._send(
            WsAck(
                id=request_id,
                op=op,
                channels=self._subscriptions.names,
                account_id=self._account_id(),
                signed_in_until=None if signed is None else _text(signed.expires_at),
            )
        )

    def _refuse(self, request_id: str | int | None, operation: str | None, error: ApiError) -> None:
        self._send(refusal(request_id, operation, error))

    def _send(self, message: BaseModel) -> None:
        self._outbox.put(message.model_dump_json())


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else text_of(micros_at(moment))
