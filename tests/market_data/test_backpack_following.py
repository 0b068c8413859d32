"""The Backpack client follows the ledger's instruments, and says when a quote is in doubt."""

import json

from websockets.asyncio.server import ServerConnection

from market_data.backpack_feed import BackpackFeed
from market_data.clock import SystemClock
from market_data.feed import Heartbeat, OutdatedQuote
from tests.market_data.fake_clock import BTC, ETH, new_metrics, next_items, next_quotes
from tests.market_data.ledgers import instrument, ledger_of
from tests.market_data.test_backpack import book_ticker, client, run, serving


def test_a_quote_that_is_not_newer_is_in_doubt_unless_it_is_the_last_quote_again() -> None:
    async def test() -> None:
        async def speak(connection: ServerConnection) -> None:
            await connection.recv()
            again = book_ticker(u="5", at=100)
            for message in (again, again, again.replace('"101"', '"102"'), book_ticker(u="4", at=100)):
                await connection.send(message)
            await connection.wait_closed()

        async with serving(speak) as url:
            _, *others = await next_items(client(url, new_metrics()).items(), 4)
        assert others == [Heartbeat(symbol=BTC), OutdatedQuote(symbol=BTC), OutdatedQuote(symbol=BTC)]

    run(test())


def test_an_instrument_that_the_ledger_gets_is_subscribed_to_while_the_client_is_connected() -> None:
    async def test() -> None:
        ledger = ledger_of(BTC)
        requests: list[list[str]] = []

        async def speak(connection: ServerConnection) -> None:
            requests.append(json.loads(await connection.recv())["params"])
            await connection.send(book_ticker(u="1", at=1))
            ledger.define(0, [instrument(ETH)])
            await connection.send(book_ticker(u="2", at=2))
            requests.append(json.loads(await connection.recv())["params"])
            await connection.send(book_ticker(u="1", at=1).replace(BTC, ETH))
            await connection.wait_closed()

        async with serving(speak) as url:
            quotes = await next_quotes(BackpackFeed(url, ledger, SystemClock(), new_metrics()).items(), 3)
        assert [quote.symbol for quote in quotes] == [BTC, BTC, ETH]
        assert requests == [[f"{kind}.{symbol}" for kind in ("bookTicker", "ticker")] for symbol in (BTC, ETH)]

    run(test())
