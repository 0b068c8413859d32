"""How requests go to the venue over REST, and what its answers mean: done, refused, not sent, or unknown."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import httpx

from runtime.venue_keys import VenueKeys
from schemas.venue_messages import VenueOrder, VenueTrade
from venue.clock import ClockUncertain, VenueClock
from venue.filters import SymbolRules, rules_of
from venue.rate_limits import VenueRateLimits
from venue.reports import ExecutionReport, report_of_reply, trade_of_row
from venue.signing import encoded, signed_query

TIMEOUT_S: Final = 5.0
CONCURRENT_MAX: Final = 32  # requests in flight; the others are not sent yet when the venue limits the rate
IP_BANNED: Final = 418
# The venue's codes that mean something of their own.
TOO_MANY_REQUESTS: Final = -1003
OUTCOME_UNKNOWN_CODES: Final = frozenset({-1006, -1007})
TOO_MANY_ORDERS: Final = -1015
TIME_REFUSED: Final = -1021
NO_SUCH_ORDER: Final = -2013
ORDER_REFUSED: Final = -2010
DUPLICATE_TEXT: Final = "duplicate order"
NO_CONNECTION: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What each request costs, as documented.
ORDER_WEIGHT: Final = 1
QUERY_WEIGHT: Final = 4
TRADES_WEIGHT: Final = 5
AVERAGE_WEIGHT: Final = 2
INFO_WEIGHT: Final = 20
TIME_WEIGHT: Final = 1


class VenueRefused(Exception):
    """The venue said no, and nothing was done."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NoSuchOrder(Exception):
    """The venue knows no such order now."""


class NotSent(Exception):
    """It did not reach the venue, or was turned away for its rate or time: nothing was done, and it may be repeated."""


class OutcomeUnknown(Exception):
    """It may have been done or not."""


class Binance:
    """Sends requests with the keys it is given. It repeats none: the caller decides what may be sent again."""

    def __init__(self, http: httpx.AsyncClient, limits: VenueRateLimits, clock: VenueClock, window_ms: int) -> None:
        self._http = http
        self._limits = limits
        self._clock = clock
        self._limits_task: asyncio.Task[object] | None = None
        self._sending = asyncio.Semaphore(CONCURRENT_MAX)
        self.window_ms = window_ms

    async def sync_clock(self) -> None:
        """Measure the venue's clock; raises NotSent where it does not answer, or too slowly."""
        await self._admit(TIME_WEIGHT)
        try:
            await self._clock.sync(self._time)
        except (ClockUncertain, OutcomeUnknown, VenueRefused) as error:
            raise NotSent(f"the venue's time is not known: {error}") from error

    async def now_ms(self) -> int:
        """Give the venue's time, synchronized first where it has to be; NotSent where that fails."""
        if not self._clock.is_synced:
            await self.sync_clock()
        return self._clock.now_ms()

    async def symbols(self) -> dict[str, SymbolRules]:
        """Give every symbol's rules, and take the rate limits that come with them."""
        await self._limits.admit(INFO_WEIGHT)
        found = await self._send("GET", "/api/v3/exchangeInfo", "", None)
        with _malformed_is_unknown():
            self._limits.learn(found["rateLimits"])
            return {one["symbol"]: rules_of(one) for one in found["symbols"]}

    async def average_price(self, symbol: str) -> Decimal:
        """Give the price by which a market order's worth is judged."""
        await self._admit(AVERAGE_WEIGHT)
        found = await self._send("GET", "/api/v3/avgPrice", encoded({"symbol": symbol}), None)
        with _malformed_is_unknown():
            return Decimal(found["price"])

    async def admit_order(self, keys: VenueKeys) -> None:
        """Wait until an order may be placed without breaking a limit."""
        await self._admit(ORDER_WEIGHT, keys.api_key)

    async def place(self, keys: VenueKeys, order: VenueOrder, sent_at: int) -> ExecutionReport:
        """Place an order that was admitted, signed for this time (ms)."""
        parameters: dict[str, str | int] = {
            "symbol": order.symbol,
            "side": order.side.upper(),
            "type": order.type,
            "quantity": order.quantity,
            "newClientOrderId": order.order_id,
            "newOrderRespType": "FULL",
        }
        if order.price is not None:
            parameters["price"] = order.price
        if order.stop_price is not None:
            parameters["stopPrice"] = order.stop_price
        time_in_force = order.time_in_force or ("GTC" if order.type.endswith("LIMIT") else None)
        if time_in_force is not None:
            parameters["timeInForce"] = time_in_force
        reply = await self._signed("POST", "/api/v3/order", parameters, keys, sent_at)
        with _malformed_is_unknown():
            return report_of_reply(reply)

    async def order(self, keys: VenueKeys, order: VenueOrder) -> ExecutionReport:
        """Query an order; NoSuchOrder where the venue has none of this client order id."""
        parameters = {"symbol": order.symbol, "origClientOrderId": order.order_id}
        await self._admit(QUERY_WEIGHT)
        try:
            reply = await self._signed("GET", "/api/v3/order", parameters, keys)
        except VenueRefused as error:
            if error.code == NO_SUCH_ORDER:
                raise NoSuchOrder(order.order_id) from error
            raise
        with _malformed_is_unknown():
            return report_of_reply(reply)

    async def cancel(self, keys: VenueKeys, order: VenueOrder) -> ExecutionReport:
        """Cancel what is left of an order."""
        parameters = {"symbol": order.symbol, "origClientOrderId": order.order_id}
        await self._admit(ORDER_WEIGHT)
        reply = await self._signed("DELETE", "/api/v3/order", parameters, keys)
        with _malformed_is_unknown():
            return report_of_reply(reply)

    async def trades(self, keys: VenueKeys, symbol: str, venue_order_id: int) -> tuple[VenueTrade, ...]:
        """Give an order's executions, oldest first."""
        await self._admit(TRADES_WEIGHT)
        rows = await self._signed("GET", "/api/v3/myTrades", {"symbol": symbol, "orderId": venue_order_id}, keys)
        with _malformed_is_unknown():
            return tuple(sorted(map(trade_of_row, rows), key=lambda trade: trade.trade_id))

    async def _time(self) -> int:
        found = await self._send("GET", "/api/v3/time", "", None)
        with _malformed_is_unknown():
            return int(found["serverTime"])

    async def _admit(self, weight: int, orders_of: str | None = None) -> None:
        """Wait until a request breaks no limit; NotSent while nobody knows what the limits are."""
        if not self._limits.are_known:
            await self._load_limits()
        await self._limits.admit(weight, orders_of)

    async def _load_limits(self) -> None:
        """Load the limits and what is used of them before any other request; one request for all that wait."""
        if self._limits_task is None:
            self._limits_task = asyncio.create_task(self.symbols())
        task = self._limits_task
        try:
            await asyncio.shield(task)
        except (OutcomeUnknown, VenueRefused) as error:
            raise NotSent(f"the venue's limits are not known: {error}") from error
        finally:
            if task.done() and self._limits_task is task:
                self._limits_task = None

    async def _signed(
        self, method: str, path: str, parameters: Mapping[str, str | int], keys: VenueKeys, sent_at: int | None = None
    ) -> Any:
        timestamp = await self.now_ms() if sent_at is None else sent_at
        signed = {**parameters, "recvWindow": self.window_ms, "timestamp": timestamp}
        return await self._send(method, path, signed_query(signed, keys.secret), keys)

    async def _send(self, method: str, path: str, query: str, keys: VenueKeys | None) -> Any:
        headers = {} if keys is None else {"X-MBX-APIKEY": keys.api_key}
        async with self._sending:
            if self._limits.blocked_s > 0:
                raise NotSent("the venue has just asked for silence")
            try:
                answer = await self._http.request(method, f"{path}?{query}" if query else path, headers=headers)
            except NO_CONNECTION as error:
                raise NotSent(f"no connection to the venue ({type(error).__name__})") from error
            except httpx.TransportError as error:
                raise OutcomeUnknown(f"no answer ({type(error).__name__})") from error
            self._limits.observe(answer.headers, None if keys is None else keys.api_key)
            return self._result_of(answer)

    def _result_of(self, answer: httpx.Response) -> Any:
        """Give the body of a good answer, or raise what any other means."""
        status = answer.status_code
        if status in (IP_BANNED, httpx.codes.TOO_MANY_REQUESTS, httpx.codes.FORBIDDEN):
            self._limits.block(status, answer.headers.get("Retry-After"))
            raise NotSent(f"turned away with {status}")
        try:
            body = answer.json()
        except ValueError:
            body = None
        if status == httpx.codes.OK and body is not None:
            return body
        if status < httpx.codes.BAD_REQUEST or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise OutcomeUnknown(f"the venue answered with {status}")
        described = body if isinstance(body, dict) else {}
        code, message = int(described.get("code", -status)), str(described.get("msg", f"HTTP status {status}"))
        if code in OUTCOME_UNKNOWN_CODES or (code == ORDER_REFUSED and DUPLICATE_TEXT in message.lower()):
            # A duplicate is refused because the venue has the order already; which one is asked about.
            raise OutcomeUnknown(f"{code}: {message}")
        if code == TOO_MANY_REQUESTS:
            self._limits.block(httpx.codes.TOO_MANY_REQUESTS, answer.headers.get("Retry-After"))
        if code == TIME_REFUSED:
            self._clock.invalidate()
        if code in (TOO_MANY_REQUESTS, TOO_MANY_ORDERS, TIME_REFUSED):
            raise NotSent(f"{code}: {message}")
        raise VenueRefused(code, message)


@contextmanager
def _malformed_is_unknown() -> Iterator[None]:
    """Turn an answer that is not as documented into OutcomeUnknown."""
    try:
        yield
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise OutcomeUnknown(f"an answer that is not as documented ({error!r})") from error
