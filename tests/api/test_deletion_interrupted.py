"""A user who is deleted while their market is halted and the API is killed: the positions are closed all the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.api.conftest import kept_alive, settings_of
from tests.api.exchange import Exchange, service
from tests.conftest import empty_topics
from tests.processes import eventually

pytestmark = pytest.mark.slow


class Watched:
    """An exchange whose API can be killed, and its tables."""

    def __init__(self, exchange: Exchange, database: str) -> None:
        self.exchange = exchange
        self._engine = sqlalchemy.create_engine(database)
        self._api = ExitStack()

    def start_api(self) -> None:
        api = self._api.enter_context(service("api", self.exchange.settings, self.exchange.folder))
        self.process = api.process
        self.exchange.until_ready(api)

    def kill_api(self) -> None:
        self.process.kill()
        self._api.close()

    def one(self, text: str, **values: Any) -> Any:
        with self._engine.connect() as db:
            return db.execute(sqlalchemy.text(text), values).scalar_one()

    def close(self) -> None:
        self._api.close()
        self._engine.dispose()


@pytest.fixture
def watched(kafka: str, database: str, tmp_path: Path) -> Iterator[Watched]:
    settings = settings_of(kafka, database, tmp_path)
    empty_topics(settings)
    with ExitStack() as stack:
        for package in ("engine", "projector"):
            stack.enter_context(service(package, settings, tmp_path))
        exchange = Exchange(settings, tmp_path)
        stack.callback(exchange.close)
        watched = Watched(exchange, database)
        stack.callback(watched.close)
        watched.start_api()
        exchange.new_feed()
        for symbol, bid, ask in (("BTC_USDC", "49999.9", "50000.0"), ("ETH_USDC", "1999.99", "2000.00")):
            exchange.confirmed_price(symbol, bid, ask)
            exchange.until_fresh(symbol)
        stack.enter_context(kept_alive(exchange))
        yield watched


def test_positions_of_a_deleted_user_left_open_by_a_kill_of_the_api_are_closed_after_the_restart(
    watched: Watched,
) -> None:
    exchange = watched.exchange
    user = exchange.new_user()
    me = user.get("/auth/me")
    user.opened(symbol="BTC_USDC")
    user.opened(symbol="BTC_USDC", side="short")
    user.opened(symbol="ETH_USDC")

    def open_symbols() -> set[str]:
        text = (
            "SELECT coalesce(array_agg(symbol), '{}') FROM ledger.positions WHERE account_id = :a AND status = 'open'"
        )
        return set(watched.one(text, a=me["account_id"]))

    eventually(open_symbols, lambda symbols: symbols == {"BTC_USDC", "ETH_USDC"})
    exchange.market("BTC_USDC", "halted")
    eventually(
        lambda: {item["symbol"]: item["status"] for item in exchange.http.get("/api/v1/instruments").json()["items"]},
        lambda seen: seen["BTC_USDC"] == "halted",
    )
    assert user.http.delete("/auth/me").json() == {"status": "closing", "open_positions": 3}
    eventually(open_symbols, lambda symbols: symbols == {"BTC_USDC"})
    watched.kill_api()
    watched.start_api()
    assert user.http.get("/auth/me").status_code == 401
    assert open_symbols() == {"BTC_USDC"}

    exchange.market("BTC_USDC", "open")
    eventually(open_symbols, lambda symbols: symbols == set(), 30.0)
    closed = "SELECT closed_at IS NOT NULL FROM auth.users WHERE user_id = :u"
    eventually(lambda: watched.one(closed, u=me["id"]), bool, 60.0)
    ledger = "SELECT sum(amount) FROM ledger.ledger_entries WHERE account_id = :a"
    balance = "SELECT balance FROM ledger.accounts WHERE account_id = :a"
    assert watched.one(ledger, a=me["account_id"]) == watched.one(balance, a=me["account_id"]) > 0
