"""How prices and updates of orders reach seed 002's clients: each socket of a user, PENDING first."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.app_state import AppState
from api.auth.caller import SignedInUser, believe
from api.compat import spot, spot_store
from api.compat.spot import NOTHING
from api.compat.spot_store import SpotOrder
from api.compat.spot_views import SpotView, of_progress, of_venue_update, price_view
from api.dispatch.read_your_writes import wait_for
from api.http.addresses import counted
from api.http.problems import DATABASE_UNAVAILABLE, RATE_LIMITED, ApiError, problem_response
from api.http.seed_clients import older_members
from api.log.event_bus import AccountEvent
from api.log.price_cache import CachedQuote
from api.stream.outbox import Overflow, SocketOutbox

WAITING_MAX: Final = 1_000
PRICES_S: Final = 0.25
SESSION_S: Final = 15.0  # how often a socket's session is looked at: logout ends it
POLICY: Final = 1008  # what this seed closes with where the token is not good
SLOW: Final = 4408

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
Listener = Callable[[SpotOrder], None]


class SpotStream:
    """All sockets of this process; used on the loop only."""

    def __init__(self, state: AppState) -> None:
        self._app = state
        self._listeners: dict[str, list[Listener]] = {}

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
        token = websocket.query_params.get("token", "")
        try:
            signed = await self._admit(websocket, token)
        except ApiError as error:
            error.members = older_members(error)
            await websocket.send_denial_response(problem_response(error, websocket.url.path))
            return
        await websocket.accept()
        await _SpotSocket(self._app, websocket, signed, token).run(self)

    async def _admit(self, websocket: WebSocket, token: str) -> SignedInUser:
        """Give whose token it is. A refused handshake counts as its address's: a page that tries at once is held up."""
        address = "" if websocket.client is None else counted(websocket.client.host)
        try:
            # No token is no good token.
            return await believe(self._app, token)
        except ApiError:
            standing = self._app.rate_limits.take("public", address)
            if not standing.allowed:
                raise ApiError(RATE_LIMITED, headers={"Retry-After": str(standing.reset_s)}) from None
            raise
        except SQLAlchemyError as error:
            raise ApiError(DATABASE_UNAVAILABLE, headers={"Retry-After": "1"}) from error


class _SpotSocket:
    """One client's socket; a second tab of the same user has its own."""

    def __init__(self, state: AppState, websocket: WebSocket, signed: SignedInUser, token: str) -> None:
        self._app = state
        self._websocket = websocket
        self._signed = signed
        self._token = token
        self._user_id = str(signed.user.user_id)
        self._outbox = SocketOutbox(WAITING_MAX)
        self._queue: asyncio.Queue[SpotOrder | AccountEvent] = asyncio.Queue()
        self._pending: set[str] = set()
        self._sent: set[tuple[str, str]] = set()

    async def run(self, stream: SpotStream) -> None:
        """Send and listen until either side ends it."""
        self._outbox.put(_text("CONNECTED", {"userId": self._user_id}))
        account_id = self._signed.account_id
        subscription = self._app.bus.subscribe(account_id, self._queue.put_nowait)
        cancellations = (
            stream.listen(account_id, self._queue.put_nowait),
            self._app.venue.listen(account_id, lambda update: self._send(of_venue_update(update, self._user_id))),
            subscription.cancel,
        )
        tasks = [
            asyncio.create_task(work)
            for work in (self._write(), self._read(), self._orders(), self._prices(), self._session())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for cancel in cancellations:
                cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self) -> None:
        try:
            async for text in self._outbox:
                await self._websocket.send_text(text)
        except Overflow:
            await self._websocket.close(SLOW, "too much waits unread")

    async def _read(self) -> None:
        """Whatever a client says changes nothing; that it went ends the socket."""
        try:
            while True:
                await self._websocket.receive_text()
        except (WebSocketDisconnect, KeyError):
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
        account_id, command_id = self._signed.account_id, event.command_id
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
        self._outbox.put(_text("ORDER_UPDATE", view.written()))

    async def _prices(self) -> None:
        sent: dict[str, CachedQuote] = {}
        while True:
            for symbol in self._app.prices.instruments:
                quote = self._app.prices.quote(symbol)
                if quote is None or (symbol in sent and (sent[symbol].bid, sent[symbol].ask) == (quote.bid, quote.ask)):
                    continue
                sent[symbol] = quote
                self._outbox.replace(symbol, _text("PRICE_UPDATE", await self._price(symbol, quote)))
            await asyncio.sleep(PRICES_S)

    async def _price(self, symbol: str, quote: CachedQuote) -> dict[str, Any]:
        try:
            day = (await self._app.day_stats.days()).get(symbol)
        except SQLAlchemyError:
            day = None
        return price_view(self._app.prices, self._app.prices.instruments[symbol], quote, day)

    async def _session(self) -> None:
        """End the socket when its session is over."""
        while True:
            await asyncio.sleep(SESSION_S)
            try:
                await believe(self._app, self._token)
            except ApiError as error:
                await self._websocket.close(POLICY, error.kind.title)
                return
            except SQLAlchemyError:
                continue


def _text(kind: str, data: dict[str, Any]) -> str:
    return _ENCODER.encode({"type": kind, "data": data}).decode()
