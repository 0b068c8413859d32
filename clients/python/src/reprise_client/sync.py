"""The client for programs without an event loop: the same calls, each of which waits for its answer."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar

import httpx

from reprise_client.administration import Administration
from reprise_client.client import PATIENCE_S, TIMEOUT_S, Client
from reprise_client.loop_thread import LoopThread
from reprise_client.stream import Message, Stream
from reprise_client.trading_socket import TradingSocket

Given = ParamSpec("Given")
Result = TypeVar("Result")
Asked_co = TypeVar("Asked_co", covariant=True)  # A face of a client is one of each of its parts.
END: Final = None  # of an iteration


class _Waiting(Generic[Asked_co]):
    """A face of what is asked in a thread that has an event loop."""

    def __init__(self, asked: Asked_co, thread: LoopThread) -> None:
        self._asked = asked
        self._thread = thread


def _waits(
    method: Callable[Concatenate[Asked_co, Given], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[_Waiting[Asked_co], Given], Result]:
    """Make the call that waits of one that is awaited."""

    @wraps(method)
    def waiting(self: _Waiting[Asked_co], /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return self._thread.run(method(self._asked, *args, **kwargs))

    return waiting


def _iterates(
    method: Callable[Concatenate[Asked_co, Given], AsyncIterator[Result]],
) -> Callable[Concatenate[_Waiting[Asked_co], Given], Iterator[Result]]:
    """Make the iterator of one that is awaited; the next page is asked for when it is needed."""

    @wraps(method)
    def iterating(self: _Waiting[Asked_co], /, *args: Given.args, **kwargs: Given.kwargs) -> Iterator[Result]:
        items = method(self._asked, *args, **kwargs)
        while (item := self._thread.run(_next(items))) is not END:
            yield item

    return iterating


class SyncAdministration(_Waiting[Administration]):
    """`client.admin`, with the calls of `Administration`."""

    parameters = _waits(Administration.parameters)
    define_instrument = _waits(Administration.define_instrument)
    change_parameters = _waits(Administration.change_parameters)
    set_market_status = _waits(Administration.set_market_status)
    set_clock = _waits(Administration.set_clock)
    set_account_limits = _waits(Administration.set_account_limits)
    broadcasts = _waits(Administration.broadcasts)
    broadcast = _waits(Administration.broadcast)
    rules = _waits(Administration.rules)
    activate_rules = _waits(Administration.activate_rules)

    exposure = _waits(Administration.exposure)
    liquidation_ladder = _waits(Administration.liquidation_ladder)
    insurance_fund = _waits(Administration.insurance_fund)
    accounts = _iterates(Administration.accounts)
    feed = _waits(Administration.feed)
    lag = _waits(Administration.lag)

    deposit = _waits(Administration.deposit)
    withdraw = _waits(Administration.withdraw)
    transfers = _iterates(Administration.transfers)
    transfer = _waits(Administration.transfer)
    approve_transfer = _waits(Administration.approve_transfer)
    reject_transfer = _waits(Administration.reject_transfer)


class SyncClient(_Waiting[Client]):
    """A client of one exchange, `with SyncClient("http://127.0.0.1:8000") as client`, with the calls of `Client`.

    It may be used by several threads at once, and where an event loop runs already, as in a notebook. The parameters
    are those of `Client`. A thread of its own does the work; `close_connections`, or the end of the block, ends it.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: httpx.Auth | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        client = Client(url, api_key=api_key, timeout_s=timeout_s, patience_s=patience_s, transport=transport)
        super().__init__(client, LoopThread())
        self.admin: Final = SyncAdministration(client.admin, self._thread)
        # A client that is forgotten leaves no thread behind.
        self._ending = weakref.finalize(self, self._thread.end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_connections()

    def close_connections(self) -> None:
        """Let go of the connections, and of the thread; a call that still waits in another one is a ClientClosed."""
        if self._ending.alive:
            self._thread.run(self._asked.close_connections())
            self._ending()

    @contextmanager
    def stream(self, *channels: str, after: int | None = None) -> Iterator["SyncStream"]:
        """Follow channels: `ticks.BTC_USDC`, `candles.1m.BTC_USDC`, `account`, `alerts`.

        It connects again by itself. Of `account` whatever happens within the block comes exactly once and in order.
        after: so does what happened behind this one, the `seq` of the last message that was worked through.
        """
        following = self._asked.stream(*channels, after=after)
        stream = self._thread.run(following.__aenter__())
        try:
            yield SyncStream(stream, self._thread)
        finally:
            self._thread.run(following.__aexit__(None, None, None))

    @contextmanager
    def trading(self) -> Iterator["SyncTradingSocket"]:
        """Trade over one WebSocket: `place_order`, `close`, `close_all` and `amend`, many of them at once.

        It connects again by itself. What was in flight then is asked about under its key, and nothing is done twice.
        """
        trading = self._asked.trading()
        opened = self._thread.run(trading.__aenter__())
        try:
            yield SyncTradingSocket(opened, self._thread)
        finally:
            self._thread.run(trading.__aexit__(None, None, None))

    register = _waits(Client.register)
    login = _waits(Client.login)
    refresh = _waits(Client.refresh)
    logout = _waits(Client.logout)
    logout_everywhere = _waits(Client.logout_everywhere)
    change_password = _waits(Client.change_password)
    sessions = _waits(Client.sessions)
    end_session = _waits(Client.end_session)
    me = _waits(Client.me)
    delete_me = _waits(Client.delete_me)
    websocket_ticket = _waits(Client.websocket_ticket)

    instruments = _waits(Client.instruments)
    tickers = _waits(Client.tickers)
    candles = _iterates(Client.candles)

    place_order = _waits(Client.place_order)
    preview_order = _waits(Client.preview_order)
    order = _waits(Client.order)
    orders = _iterates(Client.orders)
    positions = _iterates(Client.positions)
    position = _waits(Client.position)
    close = _waits(Client.close)
    close_all = _waits(Client.close_all)
    amend = _waits(Client.amend)
    command = _waits(Client.command)

    replay = _waits(Client.replay)
    replay_steps = _waits(Client.replay_steps)
    replay_prices = _waits(Client.replay_prices)
    replay_command = _waits(Client.replay_command)
    replay_bundle = _waits(Client.replay_bundle)

    account = _waits(Client.account)
    ledger = _iterates(Client.ledger)
    fills = _iterates(Client.fills)
    receipt = _waits(Client.receipt)
    tick_closings = _waits(Client.tick_closings)
    statement = _waits(Client.statement)
    statement_csv = _waits(Client.statement_csv)
    events = _iterates(Client.events)
    deposit = _waits(Client.deposit)
    withdraw = _waits(Client.withdraw)
    withdrawals = _iterates(Client.withdrawals)
    withdrawal = _waits(Client.withdrawal)

    create_alert = _waits(Client.create_alert)
    alerts = _iterates(Client.alerts)
    alert = _waits(Client.alert)
    delete_alert = _waits(Client.delete_alert)
    create_api_key = _waits(Client.create_api_key)
    api_keys = _waits(Client.api_keys)
    api_key = _waits(Client.api_key)
    revoke_api_key = _waits(Client.revoke_api_key)
    has_venue_keys = _waits(Client.has_venue_keys)
    store_venue_keys = _waits(Client.store_venue_keys)
    revoke_venue_keys = _waits(Client.revoke_venue_keys)
    venue = _waits(Client.venue)
    venue_orders = _iterates(Client.venue_orders)
    venue_order = _waits(Client.venue_order)


class SyncTradingSocket(_Waiting[TradingSocket]):
    """`client.trading()`, with the calls of `TradingSocket`; several threads may share one."""

    place_order = _waits(TradingSocket.place_order)
    preview_order = _waits(TradingSocket.preview_order)
    order = _waits(TradingSocket.order)
    orders = _iterates(TradingSocket.orders)
    positions = _iterates(TradingSocket.positions)
    position = _waits(TradingSocket.position)
    close = _waits(TradingSocket.close)
    close_all = _waits(TradingSocket.close_all)
    amend = _waits(TradingSocket.amend)
    command = _waits(TradingSocket.command)


class SyncStream:
    """Iterate over it; several threads may, and each message goes to one of them."""

    def __init__(self, stream: Stream, thread: LoopThread) -> None:
        self._stream = stream
        self._thread = thread
        self._turn = threading.Lock()

    @property
    def account_seq(self) -> int | None:
        """The `seq` of the last private message that was given; keep it to go on from there another day."""
        return self._stream.account_seq

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        with self._turn:
            message = self._thread.run(_next(self._stream))
        if message is END:
            raise StopIteration
        return message

    def receive(self, timeout_s: float) -> Message | None:
        """Give the next message; null where none comes in time, which is then the next, or the stream is closed."""

        async def wait() -> Message | None:
            async with asyncio.timeout(timeout_s):
                return await _next(self._stream)

        if not self._turn.acquire(timeout=timeout_s):
            return None
        try:
            return self._thread.run(wait())
        except TimeoutError:
            return None
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the iteration, also of a thread that waits for a message."""
        self._thread.run(self._stream.close())


async def _next(items: AsyncIterator[Result]) -> Result | None:
    """Give the next item, or END."""
    return await anext(items, END)
