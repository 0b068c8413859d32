"""Orders over one WebSocket: put into the log in the order in which they came, answered as each is decided."""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, cast

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from api.app_state import AppState
from api.auth.connections import ConnectionCaller
from api.auth.limiting import bucket_of
from api.commands.schemas import CommandReply
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.replies import Answer
from api.dispatch.request_options import RequestOptions, prefers_async, read_key
from api.dispatch.turns import SendingTurn, SendingTurns
from api.http.access_log import note_request
from api.http.errors import of_database, of_faults
from api.http.problems import (
    INTERNAL_ERROR,
    NOT_AUTHENTICATED,
    TOO_MANY_IN_FLIGHT,
    ApiError,
    ProblemKind,
    malformed,
)
from api.http.rate_limits import Bucket, BucketState
from api.orders import service as orders
from api.positions import closing_all
from api.positions import service as positions
from api.positions.lookup import position_lookup
from api.stream.order_schemas import (
    ORDERS,
    WsAmend,
    WsClose,
    WsCloseAll,
    WsOrder,
    WsOutcome,
    WsPlace,
    WsRateLimit,
    WsReduce,
    members_of,
)
from api.stream.requests import id_of, refusal

IN_FLIGHT_MAX: Final = 256
METHOD: Final = "WS"  # what the log and the metrics of requests call it
_PATHS: Final = {
    "order.place": ("POST", "/api/v1/orders"),
    "order.close": ("POST", "/api/v1/positions/2-17/close"),
    "order.reduce": ("POST", "/api/v1/positions/2-17/close"),
    "order.amend": ("PATCH", "/api/v1/positions/2-17"),
    "order.close_all": ("POST", "/api/v1/positions/close-all"),
}
# The very buckets of REST.
BUCKETS: Final[Mapping[str, Bucket]] = {op: bucket_of(method, path) for op, (method, path) in _PATHS.items()}


class OrderInFlight:
    """One order from its message to its answer. standing: of its bucket, once it was taken from it."""

    def __init__(self, request_id: str | int, op: str, message: dict[str, Any], turn: SendingTurn) -> None:
        self.request_id = request_id
        self.op = op
        self.message = message
        self.turn = turn
        self.standing: BucketState | None = None


class SocketOrders:
    """The orders of one socket; used on the loop only.

    send: puts a message behind those that wait. on_refused: told of each order that was refused before its account's
    limits took it, which are no bound of it then.
    """

    def __init__(
        self,
        state: AppState,
        dispatcher: Dispatcher,
        send: Callable[[BaseModel], None],
        on_refused: Callable[[], None],
    ) -> None:
        self._app = state
        self._dispatcher = dispatcher
        self._positions = position_lookup(state)
        self._send = send
        self._on_refused = on_refused
        self._turns = SendingTurns()
        self._in_flight: dict[str | int, asyncio.Task[None]] = {}
        self._stopped: ProblemKind | None = None

    def __len__(self) -> int:
        return len(self._in_flight)

    async def take(self, message: dict[str, Any], op: str, caller: ConnectionCaller | None) -> None:
        """Begin what a message asks for, or say why not."""
        request_id = id_of(message.get("id"))
        try:
            self._refuse_early(request_id, caller)
        except ApiError as error:
            self._refuse(request_id, op, error)
            await asyncio.sleep(0)  # A flood of them lets others go on.
            return
        assert request_id is not None, "who sent none was refused"
        assert caller is not None, "nobody was refused"
        order = OrderInFlight(request_id, op, message, self._turns.take())
        task = asyncio.create_task(self._answer(order, caller))
        self._in_flight[request_id] = task
        task.add_done_callback(lambda done: self._end(order, done))

    async def stop(self, why: ProblemKind) -> None:
        """Take no more, for this reason, and wait until those in flight are answered."""
        self._stopped = why
        await self.finish()

    async def finish(self) -> None:
        """Wait until those in flight are decided, whether or not anybody still hears of it."""
        if self._in_flight:
            await asyncio.wait(self._in_flight.values())

    def _refuse_early(self, request_id: str | int | None, caller: ConnectionCaller | None) -> None:
        if caller is None:
            raise ApiError(NOT_AUTHENTICATED, "Say who you are first, with `auth`")
        if self._stopped is not None:
            raise ApiError(self._stopped, headers={"Retry-After": "1"})
        if request_id is None:
            raise malformed("id", "must be a string of at most 64 characters or a whole number")
        if request_id in self._in_flight:
            raise malformed("id", "is of an order that is in flight")
        if len(self._in_flight) >= IN_FLIGHT_MAX:
            raise ApiError(
                TOO_MANY_IN_FLIGHT,
                f"{IN_FLIGHT_MAX} orders are in flight on this socket; wait for an answer",
                details={"in_flight_max": IN_FLIGHT_MAX},
            )

    async def _answer(self, order: OrderInFlight, caller: ConnectionCaller) -> None:
        started = perf_counter()
        try:
            answer = await self._execute(order, caller)
        except ApiError as error:
            status = self._refuse(order.request_id, order.op, error, order.standing)
        except (OperationalError, PoolTimeoutError, DataError) as error:
            status = self._refuse(order.request_id, order.op, of_database(error), order.standing)
        else:
            status = answer.status
            self._send(_outcome(order, answer))
        note_request(self._app.metrics, METHOD, order.op, status, perf_counter() - started)

    async def _execute(self, order: OrderInFlight, caller: ConnectionCaller) -> Answer:
        """Do what REST does, in its order: who asks, what they may, whether it is too often, and only then what."""
        user = await caller.may_trade()
        order.standing = self._app.rate_limits.take(BUCKETS[order.op], user.account_id)
        order.standing.refuse_beyond()
        request = _understood(order)
        key = read_key("idempotency_key", request.idempotency_key)
        options = RequestOptions(key, prefers_async(request.prefer), order.turn)
        app, dispatcher, lookup = self._app, self._dispatcher, self._positions
        match request:
            case WsPlace(args=args):
                return orders.answer_of(*await orders.place(dispatcher, app.database, app.prices, user, args, options))
            case WsClose(args=args) | WsReduce(args=args):
                return positions.answer_of(
                    *await positions.close(dispatcher, lookup, user, args.position_id, options, args.quantity)
                )
            case WsAmend(args=args):
                amended = await positions.amend(
                    dispatcher, lookup, user, args.position_id, args, options, request.if_match
                )
                return positions.answer_of(*amended, tagged=True)
            case WsCloseAll():
                return (await closing_all.close_all(dispatcher, lookup, app.broadcasts, user, options)).answer()
            case _:
                raise AssertionError("every order is one of these")

    def _refuse(
        self, request_id: str | int | None, op: str, error: ApiError, standing: BucketState | None = None
    ) -> int:
        if standing is None or not standing.allowed:
            self._on_refused()
        self._send(refusal(request_id, op, error, **members_of(error.headers), rate_limit=_rate_limit(standing)))
        return error.kind.status

    def _end(self, order: OrderInFlight, done: asyncio.Task[None]) -> None:
        """Let others go on; where it ended by a defect, say so."""
        order.turn.end()
        del self._in_flight[order.request_id]
        error = None if done.cancelled() else done.exception()
        if error is not None:
            structlog.get_logger().error("unexpected", error=type(error).__name__, exc_info=error)
            status = self._refuse(order.request_id, order.op, ApiError(INTERNAL_ERROR), order.standing)
            note_request(self._app.metrics, METHOD, order.op, status, 0)


def _understood(order: OrderInFlight) -> WsOrder:
    """Read the message; ApiError where a field is wrong. Faults of `args` are named as those of REST's body are."""
    try:
        return ORDERS[order.op].model_validate(order.message)
    except ValidationError as error:
        faults = [fault | {"loc": _place(fault["loc"])} for fault in error.errors(include_url=False)]
        raise of_faults(faults) from error


def _place(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Say where a fault is: in the body where it is within `args`, else in what are headers over HTTP."""
    return ("body", *loc[1:]) if loc[:1] == ("args",) and loc[1:] else ("header", *loc)


def _outcome(order: OrderInFlight, answer: Answer) -> WsOutcome:
    """Write an answer; it is made of what the services made, and is not validated again."""
    data: Any = answer.content
    if not isinstance(data, BaseModel):
        data = CommandReply.model_construct(**data)
    return WsOutcome.model_construct(
        id=order.request_id,
        op=cast("Any", order.op),
        status=cast("Any", int(answer.status)),
        data=data,
        rate_limit=_rate_limit(order.standing),
        **members_of(answer.headers),
    )


def _rate_limit(standing: BucketState | None) -> WsRateLimit | None:
    if standing is None:
        return None
    _, _, quota, window_s, remaining, reset_s = standing
    return WsRateLimit.model_construct(
        bucket=cast("Any", standing.bucket), quota=quota, window_s=window_s, remaining=remaining, reset_s=reset_s
    )
