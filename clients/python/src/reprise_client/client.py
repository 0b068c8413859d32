"""What can be asked of the exchange: one signed-in user's client."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

import httpx
import msgspec

from reprise_client.calls import Answer, Calls
from reprise_client.models import (
    Account,
    Alert,
    Candle,
    Closing,
    Command,
    Deposit,
    Fill,
    Instrument,
    LedgerLine,
    Order,
    Page,
    Position,
    Receipt,
    Side,
    Ticker,
    User,
)
from reprise_client.stream import Stream

Number = Decimal | int | str  # Never a float: what is sent is exactly what was meant.
TIMEOUT_S: Final = 10.0
PATIENCE_S: Final = 30.0
PAGE: Final = 500

Listed = TypeVar("Listed")


class Keep:
    """Says that a stop stays as it is, where None takes it off."""


KEEP: Final = Keep()


class Client:
    """A client of one exchange, `async with Client("http://127.0.0.1:8000") as client`.

    api_key: an `ApiKey`, which signs each request in place of a login. timeout_s: for one answer. patience_s: for how
    long a command whose outcome is not known, or a question that was not answered, is tried again. transport: another
    way to the exchange than the network.
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
        self._url = url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=self._url, timeout=timeout_s, transport=transport, auth=api_key)
        self._calls = Calls(self._http, patience_s, signs=api_key is not None)
        self._timeout_s = timeout_s
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close_connections()

    async def close_connections(self) -> None:
        """Let go of the connections; the session goes on until it is ended by `logout` or by its age."""
        await self._http.aclose()

    # Who is asking.

    async def register(self, email: str, password: str, name: str | None = None) -> User:
        """Make a user and their account, and sign in."""
        given = {"email": email, "password": password} | ({} if name is None else {"name": name})
        made = msgspec.convert(await self._calls.send("POST", "/auth/register", given), User)
        await self.login(email, password)
        return made

    async def login(self, email: str, password: str) -> None:
        """Sign in. The access token is renewed by itself until the session ends."""
        await self._calls.sign_in(email, password)

    async def refresh(self) -> None:
        """Renew the access token now."""
        await self._calls.renew(self._calls.current_token)

    async def logout(self) -> None:
        """End the session."""
        await self._calls.sign_out()

    async def me(self) -> User:
        """Say who is signed in."""
        return await self._calls.read("/auth/me", User)

    # The market.

    async def instruments(self) -> Sequence[Instrument]:
        """List what may be traded."""
        return (await self._calls.read("/instruments", Page[Instrument])).items

    async def tickers(self) -> Sequence[Ticker]:
        """List the prices."""
        return (await self._calls.read("/tickers", Page[Ticker])).items

    def candles(
        self, symbol: str, interval: str = "1m", *, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[Candle]:
        """Go through a symbol's candles, newest first. end: they start before it."""
        times = {name: moment.isoformat() for name, moment in (("from", start), ("to", end)) if moment is not None}
        return self._pages("/candles", Page[Candle], symbol=symbol, interval=interval, **times)

    # Orders and positions. A command is sent again, under one key, until its outcome is known; `key` is for who wants
    # to send it again later, after OutcomeUnknown or from another process.

    async def place_order(
        self,
        symbol: str,
        side: Side,
        *,
        leverage: Number,
        margin: Number | None = None,
        quantity: Number | None = None,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        expected_price: Number | None = None,
        slippage_bps: int | None = None,
        client_order_id: str | None = None,
        key: str | None = None,
    ) -> Order:
        """Open a position at the market's price; exactly one of margin and quantity. A refusal is a Problem."""
        numbers = {
            "leverage": leverage,
            "margin": margin,
            "quantity": quantity,
            "stop_loss": stop_loss,
            "take_profit": take_profit,
            "expected_price": expected_price,
        }
        body: dict[str, Any] = {"symbol": symbol, "side": side, "type": "market"}
        body |= {name: _digits(number) for name, number in numbers.items() if number is not None}
        body |= {} if slippage_bps is None else {"slippage_bps": slippage_bps}
        body |= {} if client_order_id is None else {"client_order_id": client_order_id}
        done = await self._calls.command("POST", "/orders", body, key or client_order_id or _new_key())
        if isinstance(done, Answer):
            return msgspec.convert(done.body, Order)
        return done.order or await self.order(done.command_id)

    async def order(self, order_id: str) -> Order:
        """Give one order of yours."""
        return await self._calls.read(f"/orders/{order_id}", Order)

    def orders(self, *, client_order_id: str | None = None) -> AsyncIterator[Order]:
        """Go through your orders, newest first."""
        return self._pages("/orders", Page[Order], client_order_id=client_order_id)

    def positions(self, status: str = "open", symbol: str | None = None) -> AsyncIterator[Position]:
        """Go through your positions, the last opened first. status: open, closed or all."""
        return self._pages("/positions", Page[Position], status=status, symbol=symbol)

    async def position(self, position_id: str) -> Position:
        """Give one position of yours."""
        return await self._calls.read(f"/positions/{position_id}", Position)

    async def close(self, position_id: str, quantity: Number | None = None, *, key: str | None = None) -> Position:
        """Close a position at the market's price, whole or a part of its quantity."""
        body = None if quantity is None else {"quantity": _digits(quantity)}
        done = await self._calls.command("POST", f"/positions/{position_id}/close", body, key or _new_key())
        return await self._position_of(done, position_id)

    async def close_all(self, *, key: str | None = None) -> Sequence[Closing]:
        """Close every position that is open now, each by a command of its own; one refusal does not stop the others.

        The same key again means the same positions, and none that was opened later.
        """
        done = await self._calls.command("POST", "/positions/close-all", None, key or _new_key())
        assert isinstance(done, Answer), "it is no one command that could be looked up"
        return msgspec.convert(done.body, Page[Closing]).items

    async def amend(
        self,
        position_id: str,
        *,
        stop_loss: Number | Keep | None = KEEP,
        take_profit: Number | Keep | None = KEEP,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Position:
        """Set a position's stops; None takes one off. if_match: only if its `etag` is still this one, else Changed."""
        stops = {"stop_loss": stop_loss, "take_profit": take_profit}
        body = {
            name: None if stop is None else _digits(stop) for name, stop in stops.items() if not isinstance(stop, Keep)
        }
        done = await self._calls.command("PATCH", f"/positions/{position_id}", body, key or _new_key(), if_match)
        return await self._position_of(done, position_id)

    async def command(self, command_id: str) -> Command:
        """Say what became of a command."""
        return await self._calls.read(f"/commands/{command_id}", Command)

    # Price alerts; the stream's channel `alerts` tells of each that triggers.

    async def create_alert(
        self,
        symbol: str,
        price: Number,
        *,
        direction: str | None = None,
        note: str | None = None,
        key: str | None = None,
    ) -> Alert:
        """Be told once when the mid gets to a price. direction: above or below; None is towards the price from now."""
        body = {"symbol": symbol, "price": _digits(price), "direction": direction, "note": note}
        done = await self._calls.command("POST", "/alerts", body, key or _new_key())
        assert isinstance(done, Answer), "an alert is made at once or not at all"
        return msgspec.convert(done.body, Alert)

    def alerts(self, status: str | None = None) -> AsyncIterator[Alert]:
        """Go through your alerts, the last made first. status: active or triggered; all by default."""
        return self._pages("/alerts", Page[Alert], status=status)

    async def delete_alert(self, alert_id: str) -> None:
        """Delete an alert, whether it has triggered or not."""
        await self._calls.send("DELETE", f"/alerts/{alert_id}")

    # The books.

    async def account(self) -> Account:
        """Give your account."""
        return await self._calls.read("/account", Account)

    def ledger(self) -> AsyncIterator[LedgerLine]:
        """Go through the changes of your balance, newest first."""
        return self._pages("/ledger", Page[LedgerLine])

    def fills(self, symbol: str | None = None) -> AsyncIterator[Fill]:
        """Go through your executions, newest first."""
        return self._pages("/fills", Page[Fill], symbol=symbol)

    async def receipt(self, event_id: str) -> Receipt:
        """Give the receipt of a close, a position's `receipt_id`."""
        return await self._calls.read(f"/receipts/{event_id}", Receipt)

    async def deposit(self, amount: Number, *, key: str | None = None) -> Deposit:
        """Bring demo money in; only the demo profile has this."""
        done = await self._calls.command("POST", "/demo/deposit", {"amount": _digits(amount)}, key or _new_key())
        if isinstance(done, Answer):
            return msgspec.convert(done.body, Deposit)
        return Deposit(command_id=done.command_id, amount=Decimal(_digits(amount)))

    @asynccontextmanager
    async def stream(self, *channels: str, after: int | None = None) -> AsyncIterator[Stream]:
        """Follow channels: `ticks.BTC_USDC`, `candles.1m.BTC_USDC`, `account`, `alerts`.

        It connects again by itself. Of `account` whatever happens within the block comes exactly once and in order.
        after: so does what happened behind this one, the `seq` of the last message that was worked through.
        """
        stream = Stream(self._url, channels, self._calls, after=after, patience_s=self._patience_s)
        try:
            await stream.begin()
            yield stream
        finally:
            await stream.close()

    async def _position_of(self, done: Answer | Command, position_id: str) -> Position:
        if isinstance(done, Answer):
            return msgspec.convert(done.body, Position)
        return await self.position(position_id)  # With its etag, which a command does not have.

    async def _pages(self, path: str, page: type[Page[Listed]], **filters: str | None) -> AsyncIterator[Listed]:
        cursor: str | None = None
        while True:
            part = await self._calls.read(path, page, limit=PAGE, cursor=cursor, **filters)
            for item in part.items:
                yield item
            cursor = part.next_cursor
            if cursor is None:
                return


def _digits(number: Number) -> str:
    return format(number, "f") if isinstance(number, Decimal) else str(number)


def _new_key() -> str:
    return str(uuid4())
