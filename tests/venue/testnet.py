"""Binance's testnet over real sockets: its REST and WebSocket API, its limits, and its bad days.

Longer than 300 lines because its REST and its WebSocket API are one server with one set of limits and faults.
"""

import asyncio
import hmac
import json
import random
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from aiohttp import WSMsgType, web

from tests.venue.market import FILTERS, Market, VenueError, now_ms

WINDOW_DEFAULT: Final = 5_000
WINDOW_MAX: Final = 60_000
WEIGHT_LIMIT: Final = 6_000
RETRY_AFTER_S: Final = 2
REQUESTS_WHILE_LIMITED_MAX: Final = 5
Found = TypeVar("Found")


class Chaos:
    """How much goes wrong. dropped, failed: shares of requests; half of those are carried out all the same."""

    def __init__(
        self, dropped: float = 0.0, failed: float = 0.0, cut: float = 0.0, *, orders_only: bool = False
    ) -> None:
        self.dropped = dropped
        self.failed = failed
        self.orders_only = orders_only  # what places one; everything else goes well
        self.cut = cut  # share of stream messages that end the connection instead


class Testnet:
    """The venue, in a thread of its own. Everything that is changed from outside goes through `do`."""

    __test__ = False  # Its name only looks like a test's.

    def __init__(self, seed: int = 1, chaos: Chaos | None = None, commission: str = "0") -> None:
        self.market = Market(seed, commission)
        self.market.on_report = self._publish
        self.chaos = chaos or Chaos()
        self.weight_limit = WEIGHT_LIMIT
        self.order_limit = 1_000  # a second
        self.clock_ahead_ms = 0  # its clock, before ours
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.late_s = 0.0  # how late the next order arrives, after its connection broke
        self.limited_requests = 0
        self.banned = 0
        self._random = random.Random(seed)
        self._secrets: dict[str, str] = {}
        self._used: dict[tuple[str, int], int] = {}
        self._requests_while_limited = 0
        self._limited_until = 0.0
        self._streams: dict[str, list[web.WebSocketResponse]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="testnet", daemon=True)
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws-api/v3"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def open_account(self, api_key: str, secret: str) -> None:
        self._secrets[api_key] = secret
        self.call(lambda: self.market.open_account(api_key))

    def refuse_keys(self, api_key: str) -> None:
        """The owner deletes the key at the venue, or this address may not use it."""
        self.call(lambda: self._secrets.pop(api_key))

    def call(self, work: Callable[[], Found]) -> Found:
        """Do something between two requests."""

        async def done() -> Found:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def move(self, symbol: str, price: str) -> None:
        self.call(lambda: self.market.move(symbol, Decimal(price)))

    def reset(self) -> None:
        """The monthly reset: all orders and all connections are gone."""
        self.call(self.market.reset)
        self.cut_streams()

    def use_up(self) -> None:
        """Another program of this address uses all that is left of the minute's weight."""

        def use() -> None:
            self._used["weight", now_ms() // 60_000] = self.weight_limit

        self.call(use)

    def cut_streams(self) -> None:
        """End every stream's connection as a cable that is cut."""

        def cut() -> None:
            for streams in self._streams.values():
                for stream in streams:
                    self._cut(stream)

        self.call(cut)

    def requests_of(self, method: str, path: str) -> list[dict[str, str]]:
        """The parameters of each request of a kind so far."""
        return [parameters for seen, at, parameters in list(self.requests) if (seen, at) == (method, path)]

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/ws-api/v3", self._serve_stream)
        app.router.add_route("*", "/api/v3/{name}", self._serve)
        app.router.add_route("*", "/api/v3/{name:ticker/price}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, as far as the day is good."""
        name, weight = request.match_info["name"], self._weight(request)
        refused = self._limited(weight)
        if refused is not None:
            return refused
        parameters = dict(request.query)
        self.requests.append((request.method, name, parameters))
        if self.late_s and (request.method, name) == ("POST", "order"):
            # The sender hears nothing; the order is on its way, and arrives later.
            late_s, self.late_s = self.late_s, 0.0
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(late_s)
        is_spared = self.chaos.orders_only and (request.method, name) != ("POST", "order")
        failure = None if is_spared else self._draw_failure()
        if failure in ("lost", "fails"):
            return await self._fail(request, failure)
        try:
            answer = web.json_response(self._answer(request, name, parameters))
        except VenueError as error:
            answer = web.json_response({"code": error.code, "msg": error.text}, status=error.status)
        if failure is not None:
            return await self._fail(request, failure)
        minute = now_ms() // 60_000
        answer.headers["X-MBX-USED-WEIGHT-1M"] = str(self._used.get(("weight", minute), 0))
        if (request.method, name) == ("POST", "order"):
            second = now_ms() // 1_000
            api_key = request.headers.get("X-MBX-APIKEY", "")
            answer.headers["X-MBX-ORDER-COUNT-1S"] = str(self._used.get((api_key, second), 0))
        return answer

    def _draw_failure(self) -> str | None:
        """Whether this reply is lost or fails, before the work (`lost`, `fails`) or after it."""
        luck = self._random.random()
        if luck < self.chaos.dropped:
            return "lost" if self._random.random() < 0.5 else "lost after"
        if luck < self.chaos.dropped + self.chaos.failed:
            return "fails" if self._random.random() < 0.5 else "fails after"
        return None

    async def _fail(self, request: web.Request, how: str) -> web.StreamResponse:
        if how.startswith("fails"):
            return web.json_response({"code": -1001, "msg": "Internal error; unable to process."}, status=503)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answer(self, request: web.Request, name: str, parameters: dict[str, str]) -> Any:
        match request.method, name:
            case "GET", "time":
                return {"serverTime": now_ms() + self.clock_ahead_ms}
            case "GET", "exchangeInfo":
                return self._exchange_info()
            case "GET", "ticker/price":
                return {"symbol": parameters["symbol"], "price": str(self.market.prices[parameters["symbol"]])}
            case "GET", "avgPrice":
                return {"mins": 5, "price": str(self.market.prices[parameters["symbol"]])}
            case _:
                return self._answer_signed(request, name, parameters)

    def _answer_signed(self, request: web.Request, name: str, parameters: dict[str, str]) -> Any:
        api_key = self._authenticated(request)
        match request.method, name:
            case "POST", "order":
                self._count_order(api_key)
                return self.market.place(api_key, parameters)
            case "GET", "order":
                return self.market.find(api_key, parameters["origClientOrderId"]).shown()
            case "DELETE", "order":
                return self.market.cancel(api_key, parameters["origClientOrderId"])
            case "GET", "myTrades":
                return [
                    {
                        "id": fill["tradeId"],
                        "time": now_ms(),
                        **{n: fill[n] for n in ("price", "qty", "commission", "commissionAsset")},
                    }
                    for order in self.market.of(api_key)
                    if order.number == int(parameters["orderId"])
                    for fill in order.fills
                ]
            case _:
                raise VenueError(-1000, f"no such endpoint: {request.method} {name}", 404)

    def _authenticated(self, request: web.Request) -> str:
        api_key = request.headers.get("X-MBX-APIKEY", "")
        secret = self._secrets.get(api_key)
        if secret is None:
            raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        query, _, signature = request.rel_url.raw_query_string.rpartition("&signature=")
        expected = hmac.new(secret.encode(), query.encode(), sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise VenueError(-1022, "Signature for this request is not valid.")
        self._in_time(dict(request.query))
        return api_key

    def _in_time(self, parameters: dict[str, str]) -> None:
        timestamp, window = int(parameters["timestamp"]), int(parameters.get("recvWindow", WINDOW_DEFAULT))
        server = now_ms() + self.clock_ahead_ms
        if window > WINDOW_MAX:
            raise VenueError(-1131, "recvWindow must be less than 60000.")
        if timestamp >= server + 1_000:
            raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if server - timestamp > window:
            raise VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")

    def _limited(self, weight: int) -> web.Response | None:
        """Refuse a client over the limit of a minute, and ban one that goes on."""
        minute = now_ms() // 60_000
        limited_s = self._limited_until - time.monotonic()
        used = self._used[("weight", minute)] = self._used.get(("weight", minute), 0) + weight
        if limited_s <= 0 and used <= self.weight_limit:
            self._requests_while_limited = 0
            return None
        self.limited_requests += 1
        if limited_s <= 0:
            self._limited_until = time.monotonic() + RETRY_AFTER_S
            self._used[("weight", minute)] = 0
        elif limited_s < RETRY_AFTER_S / 2:
            # By now the request in flight has its first refusal.
            self._requests_while_limited += 1
        status = 418 if self._requests_while_limited > REQUESTS_WHILE_LIMITED_MAX else 429
        self.banned += status == 418
        body = {"code": -1003, "msg": "Too much request weight used."}
        return web.json_response(body, status=status, headers={"Retry-After": str(RETRY_AFTER_S)})

    def _count_order(self, api_key: str) -> None:
        second = now_ms() // 1_000
        used = self._used[(api_key, second)] = self._used.get((api_key, second), 0) + 1
        if used > self.order_limit:
            raise VenueError(-1015, f"Too many new orders; current limit is {self.order_limit} orders per 1 SECOND.")

    def _weight(self, request: web.Request) -> int:
        weights = {("GET", "order"): 4, ("GET", "myTrades"): 5, ("GET", "exchangeInfo"): 20, ("GET", "avgPrice"): 2}
        return weights.get((request.method, request.match_info["name"]), 1)

    def _exchange_info(self) -> dict[str, Any]:
        return {
            "serverTime": now_ms() + self.clock_ahead_ms,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.weight_limit},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 1, "limit": self.order_limit},
            ],
            "symbols": [
                {
                    "symbol": symbol,
                    "status": "TRADING",
                    "baseAsset": symbol.removesuffix("USDT"),
                    "quoteAsset": "USDT",
                    "baseAssetPrecision": 8,
                    "quoteAssetPrecision": 8,
                    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
                    "filters": FILTERS,
                }
                for symbol in self.market.prices
            ],
        }

    async def _serve_stream(self, request: web.Request) -> web.WebSocketResponse:
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        api_key = None
        try:
            async for message in stream:
                if message.type == WSMsgType.TEXT:
                    request_body = json.loads(message.data)
                    api_key = await self._subscribe(stream, request_body) or api_key
        finally:
            if api_key is not None and stream in self._streams.get(api_key, ()):
                self._streams[api_key].remove(stream)
        return stream

    async def _subscribe(self, stream: web.WebSocketResponse, request_body: dict[str, Any]) -> str | None:
        """Begin an account's stream, as `userDataStream.subscribe.signature` does."""
        parameters = dict(request_body["params"])
        signature = parameters.pop("signature", "")
        secret = self._secrets.get(parameters.get("apiKey", ""), "")
        payload = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
        expected = hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()
        if request_body["method"] != "userDataStream.subscribe.signature" or not hmac.compare_digest(
            expected, signature
        ):
            error = {"code": -1022, "msg": "Signature for this request is not valid."}
            await stream.send_json({"id": request_body["id"], "status": 400, "error": error})
            return None
        await stream.send_json({"id": request_body["id"], "status": 200, "result": {"subscriptionId": 0}})
        api_key: str = parameters["apiKey"]
        self._streams.setdefault(api_key, []).append(stream)
        return api_key

    def _publish(self, api_key: str, event: dict[str, Any]) -> None:
        for stream in list(self._streams.get(api_key, ())):
            if self._random.random() < self.chaos.cut:
                self._cut(stream)
            else:
                self._loop.create_task(self._send(stream, {"subscriptionId": 0, "event": event}))

    async def _send(self, stream: web.WebSocketResponse, message: dict[str, Any]) -> None:
        try:
            await stream.send_json(message)
        except ConnectionError:
            return  # It is gone, and asks when it comes back.

    def _cut(self, stream: web.WebSocketResponse) -> None:
        transport = stream._req.transport if stream._req is not None else None
        if transport is not None:
            transport.abort()

    @property
    def streams(self) -> int:
        """How many connections are subscribed."""
        return sum(map(len, self._streams.values()))
