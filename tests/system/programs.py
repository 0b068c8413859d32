"""Programs that trade with the client, for tests to run against a whole exchange."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest

from reprise_client import (
    Account,
    AccountUpdate,
    Client,
    Fill,
    LedgerLine,
    Message,
    NotSignedIn,
    Order,
    Position,
    Receipt,
    Refused,
)

ROOT: Final = Path(__file__).parents[2]
CLIENT: Final = ROOT / "clients" / "python" / "src"
README_URL: Final = "http://127.0.0.1:8000"
README_LOGIN: Final = '"ada@example.com", "correct horse battery"'
PART: Final = Decimal("0.00001")
LOSSES: Final = 2  # replies that are lost of each order and each close


def of_the_readme() -> str:
    """Give the program under "From a program"."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## From a program")[2]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None, "there is no program"
    return found[1]


def run_of_the_readme(url: str, email: str, password: str) -> str:
    """Run it as it is printed, but for where the exchange is and who trades; what it prints."""
    program = of_the_readme()
    assert program.count(README_URL) == program.count(README_LOGIN) == 1
    program = program.replace(README_URL, url).replace(README_LOGIN, f'"{email}", "{password}"')
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(CLIENT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class LosingReplies(httpx.AsyncHTTPTransport):
    """Passes every request on, and loses the first replies to each command."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: dict[str, int] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await super().handle_async_request(request)
        key = request.headers.get("Idempotency-Key")
        if key is not None and self.lost.get(key, 0) < LOSSES:
            self.lost[key] = self.lost.get(key, 0) + 1
            await reply.aread()
            await reply.aclose()
            raise httpx.ReadTimeout("the reply was lost", request=request)
        return reply


class Traded(NamedTuple):
    """What a program saw of its trades."""

    orders: Sequence[Order]
    closed: Sequence[Position]
    receipts: Sequence[Receipt]
    heard: Sequence[Message]
    fills: Sequence[Fill]
    lines: Sequence[LedgerLine]
    account: Account
    refusal: str


async def ask_everything(url: str, email: str, password: str) -> None:
    """Read all there is to read, renew the session, end it, and find it ended."""
    async with Client(url) as client:
        await client.register(email, password, "Joan")
        await client.refresh()
        assert (await client.me()).name == "Joan"
        symbols = [instrument.symbol for instrument in await client.instruments()]
        assert symbols == [ticker.symbol for ticker in await client.tickers()]
        order = await client.place_order("SOL_USDC", "short", margin=20, leverage=3, client_order_id="joan-1")
        again = await client.place_order("SOL_USDC", "short", margin=20, leverage=3, client_order_id="joan-1")
        assert again.order_id == order.order_id == (await client.order(order.order_id)).order_id
        assert [listed.order_id async for listed in client.orders()] == [order.order_id]
        assert (await client.command(order.command_id)).status == "done"
        assert order.price is not None
        (position,) = [position async for position in client.positions(symbol="SOL_USDC")]
        target = Decimal(int(order.price) // 2)
        amended = await client.amend(position.id, take_profit=target)
        assert (amended.take_profit, amended.stop_loss) == (target, None)
        assert (await client.amend(position.id, take_profit=None)).take_profit is None
        assert (await client.deposit("12.345678")).amount == Decimal("12.345678")
        async with client.stream("ticks.SOL_USDC", "candles.1m.SOL_USDC") as messages:
            heard = [await anext(messages) for _ in range(4)]
        assert {message.channel for message in heard} == {"ticks.SOL_USDC", "candles.1m.SOL_USDC"}
        candle = await anext(client.candles("SOL_USDC", "5m"))
        assert candle.low <= candle.open <= candle.high
        await client.logout()
        with pytest.raises(NotSignedIn, match="NOT_AUTHENTICATED"):
            await client.account()


async def trade_through_lost_replies(url: str, email: str, password: str, rounds: int) -> Traded:
    """Open and close some positions while replies are lost, and listen meanwhile."""
    transport = LosingReplies()
    orders, closed, heard = [], [], []
    async with Client(url, transport=transport) as client:
        user = await client.register(email, password)
        assert (await client.me()).account_id == user.account_id
        async with client.stream("account") as messages:
            for number in range(rounds):
                orders.append(await client.place_order("BTC_USDC", "long", margin=10 + number, leverage="2.5"))
                position_id = orders[-1].position_id
                assert position_id is not None
                assert orders[-1].quantity is not None
                part = await client.close(position_id, quantity=PART)
                assert (part.status, part.quantity) == ("open", orders[-1].quantity - PART)
                closed.append(await client.close(position_id))
            async for message in messages:
                heard.append(message)
                if message.kind == "update" and message.read(AccountUpdate).position == closed[-1]:
                    break
        assert set(transport.lost.values()) == {LOSSES}
        try:
            await client.place_order("BTC_USDC", "long", margin=1, leverage=1_000)
        except Refused as refused:
            refusal = refused.code
        return Traded(
            orders=orders,
            closed=closed,
            receipts=[await client.receipt(str(position.receipt_id)) for position in closed],
            heard=heard,
            fills=[fill async for fill in client.fills()],
            lines=[line async for line in client.ledger()],
            account=await client.account(),
            refusal=refusal,
        )
