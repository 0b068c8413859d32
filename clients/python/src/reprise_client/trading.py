"""What can be done with orders and positions.

A command is sent again, under one key, until its outcome is known; `key` is for who wants to send it again later, after
OutcomeUnknown or from another process.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import msgspec

from reprise_client.asking import KEEP, Asking, Keep, Number, digits, new_key
from reprise_client.calls import Answer
from reprise_client.models import Closing, Command, Order, OrderPreview, Page, Position, Side


class Commands(Protocol):
    """A way in which commands are sent."""

    async def command(
        self, method: str, path: str, body: dict[str, Any] | None, key: str, if_match: str | None = None
    ) -> Answer | Command:
        """Have something done once; see `Calls.command`."""


class Trading(Asking):
    """The part of a client that trades."""

    @property
    def _commands(self) -> Commands:
        return self._calls

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
        body = _order(
            symbol,
            side,
            leverage,
            margin,
            quantity,
            stop_loss,
            take_profit,
            expected_price,
            slippage_bps,
            client_order_id,
        )
        done = await self._commands.command("POST", "/orders", body, key or client_order_id or new_key())
        if isinstance(done, Answer):
            return msgspec.convert(done.body, Order)
        return done.order or await self.order(done.command_id)

    async def preview_order(
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
    ) -> OrderPreview:
        """Say what an order would come to now, and every reason why it would be refused. Nothing is sent."""
        body = _order(
            symbol, side, leverage, margin, quantity, stop_loss, take_profit, expected_price, slippage_bps, None
        )
        return msgspec.convert(await self._calls.send("POST", "/orders/preview", body), OrderPreview)

    async def order(self, order_id: str) -> Order:
        """Give one order of yours."""
        return await self._calls.read(f"/orders/{order_id}", Order)

    def orders(self, status: str | None = None, *, client_order_id: str | None = None) -> AsyncIterator[Order]:
        """Go through your decided orders, newest first. status: one of theirs; all by default."""
        return self._pages("/orders", Page[Order], status=status, client_order_id=client_order_id)

    def positions(self, status: str = "open", symbol: str | None = None) -> AsyncIterator[Position]:
        """Go through your positions, the last opened first. status: open, closed or all."""
        return self._pages("/positions", Page[Position], status=status, symbol=symbol)

    async def position(self, position_id: str) -> Position:
        """Give one position of yours."""
        return await self._calls.read(f"/positions/{position_id}", Position)

    async def close(self, position_id: str, quantity: Number | None = None, *, key: str | None = None) -> Position:
        """Close a position at the market's price, whole or a part of its quantity."""
        body = None if quantity is None else {"quantity": digits(quantity)}
        done = await self._commands.command("POST", f"/positions/{position_id}/close", body, key or new_key())
        return await self._position_of(done, position_id)

    async def close_all(self, *, key: str | None = None) -> Sequence[Closing]:
        """Close every position that is open now; one that its market does not let close does not stop the others.

        The same key again means the same positions, and none that was opened later.
        """
        done = await self._commands.command("POST", "/positions/close-all", None, key or new_key())
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
            name: None if stop is None else digits(stop) for name, stop in stops.items() if not isinstance(stop, Keep)
        }
        done = await self._commands.command("PATCH", f"/positions/{position_id}", body, key or new_key(), if_match)
        return await self._position_of(done, position_id)

    async def command(self, command_id: str) -> Command:
        """Say what became of a command."""
        return await self._calls.read(f"/commands/{command_id}", Command)

    async def _position_of(self, done: Answer | Command, position_id: str) -> Position:
        if isinstance(done, Answer):
            return msgspec.convert(done.body, Position)
        return await self.position(position_id)  # With its etag, which a command does not have.


def _order(
    symbol: str,
    side: Side,
    leverage: Number,
    margin: Number | None,
    quantity: Number | None,
    stop_loss: Number | None,
    take_profit: Number | None,
    expected_price: Number | None,
    slippage_bps: int | None,
    client_order_id: str | None,
) -> dict[str, Any]:
    """Write an order at the market's price, without what is not given."""
    numbers = {
        "leverage": leverage,
        "margin": margin,
        "quantity": quantity,
        "stop_loss": stop_loss,
        "take_profit": take_profit,
        "expected_price": expected_price,
    }
    body: dict[str, Any] = {"symbol": symbol, "side": side, "type": "market"}
    body |= {name: digits(number) for name, number in numbers.items() if number is not None}
    body |= {} if slippage_bps is None else {"slippage_bps": slippage_bps}
    return body | ({} if client_order_id is None else {"client_order_id": client_order_id})
