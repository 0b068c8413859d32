"""What becomes of an order whose API dies between the log and the reply: the same order again, not a second."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread

import httpx
import pytest

from api.conftest import kept_alive, settings_of
from api.exchange import Exchange, Service, service
from conftest import empty_topics
from processes import eventually
from reprise.runtime.kafka import end_offsets, read_back
from reprise.schemas.codec import decode_command
from reprise.schemas.commands import OpenPosition
from reprise.schemas.sharding import shard_of
from reprise.schemas.topics import COMMANDS

pytestmark = pytest.mark.slow


class Mortal:
    """An exchange whose engine can be held, and whose API can be killed."""

    def __init__(self, exchange: Exchange, engine: Service, api: Service) -> None:
        self.exchange = exchange
        self.engine = engine
        self.api = api


@pytest.fixture(scope="module")
def mortal(kafka: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    folder = tmp_path_factory.mktemp("mortal")
    settings = settings_of(kafka, database, folder)
    empty_topics(settings)
    with ExitStack() as stack:
        engine = stack.enter_context(service("engine", settings, folder))
        stack.enter_context(service("projector", settings, folder))
        api = stack.enter_context(service("api", settings, folder))
        exchange = Exchange(settings, folder)
        exchange.until_ready(api)
        exchange.new_feed()
        exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
        exchange.until_fresh("BTC_USDC")
        stack.enter_context(kept_alive(exchange))
        stack.callback(exchange.close)
        yield Mortal(exchange, engine, api)


@pytest.mark.parametrize("key", [{"headers": {"Idempotency-Key": "once"}}, {"client_order_id": "once"}], ids=str)
def test_an_order_sent_again_after_its_api_was_killed_before_replying_is_the_same_order(
    mortal: Mortal, key: dict[str, object]
) -> None:
    exchange, settings = mortal.exchange, mortal.exchange.settings
    user = exchange.new_user()
    shard = shard_of(user.get("/auth/me")["account_id"], settings.shards)
    before = end_offsets(settings, COMMANDS)[shard]
    mortal.engine.send(signal.SIGSTOP)
    ends: list[Exception] = []

    def order() -> None:
        try:
            user.order(**key)  # type: ignore[arg-type]  # One of the two.
        except httpx.TransportError as error:
            ends.append(error)

    sending = Thread(target=order)
    sending.start()
    eventually(lambda: orders_since(mortal, shard, before), lambda count: count == 1, 30.0)
    mortal.api.kill()
    sending.join(20)
    assert len(ends) == 1, "the client heard nothing"
    mortal.engine.send(signal.SIGCONT)
    mortal.api.restart()
    exchange.until_ready(mortal.api)
    eventually(lambda: len(user.get("/positions")["items"]), lambda count: count == 1, 60.0)
    again = user.order(**key)  # type: ignore[arg-type]  # As above.
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    [position] = user.get("/positions")["items"]
    assert again.json()["position_id"] == position["id"]
    assert len(user.get("/fills")["items"]) == 1


def orders_since(mortal: Mortal, shard: int, offset: int) -> int:
    """Orders in a shard's log from an offset on."""
    settings = mortal.exchange.settings
    records = [record for record in read_back(settings, COMMANDS, shard, 1_000) if record.offset >= offset]
    return sum(isinstance(decode_command(record.value), OpenPosition) for record in records)
