"""An account brings 1,198 positions from version 1, the clock is mended, and one command closes them all."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import psycopg
import pytest
from confluent_kafka import Producer

from audit.log.cluster import open_cluster
from audit.log.import_log import OF_THE_BROKER, ORIGINAL, set_time_type
from audit.verify.verify import VerifyRequest, verify
from bench._workload import first_instruments
from runtime.kafka import command_producer_options
from schemas.codec import decode_event, encode_command
from schemas.commands import Command, OpenPosition, UpdatePrices
from schemas.events import AllClosed, ClockSet, PositionClosed
from schemas.messages import Tick
from schemas.sharding import shard_of
from schemas.topics import COMMANDS
from schemas.units import Ticks, Timestamp
from tests.api.conftest import kept_alive, settings_of
from tests.api.exchange import FEED, Exchange, service
from tests.api.test_rules import administrator
from tests.conftest import empty_topics
from tests.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
# An account may open 600 positions in ten minutes, the first deposit included.
DAYS: Final = (400, 400, 398)
APART_S: Final = 660
BID: Final = 499_999


@pytest.fixture(scope="module")
def exchange(kafka: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """An exchange whose ledger was born under version 1: its log begins with the instruments."""
    folder = tmp_path_factory.mktemp("exchange")
    settings = settings_of(kafka, database, folder)
    empty_topics(settings)
    with ExitStack() as stack:
        running = Exchange(settings, folder)
        stack.callback(running.close)
        running.broadcast(first_instruments)
        running.services = {
            name: stack.enter_context(service(name, settings, folder)) for name in ("engine", "projector", "api")
        }
        eventually(running.readiness, lambda seen: seen[0] == 200, 120.0)
        running.new_feed()
        yield running


def append_ahead(exchange: Exchange, account_id: str) -> None:
    """Openings at times to come, as a broker's clock that is wrong by half an hour gives them."""
    shard = shard_of(account_id, exchange.settings.shards)
    producer = Producer(command_producer_options(exchange.settings, "test-feed"))
    began, number = time.time_ns() // 1_000_000, 0

    def append(command: Command, at_ms: int) -> None:
        producer.produce(COMMANDS, encode_command(command), partition=shard, timestamp=at_ms)

    set_time_type(exchange.settings, ORIGINAL)
    for day, count in enumerate(DAYS):
        now = began + day * APART_S * 1_000
        for later in (0, 1_000):  # The second tick confirms the first.
            number += 1
            append(prices(exchange, (now + later) * 1_000, number), now + later)
        for each in range(count):
            opening = OpenPosition(
                command_id=f"opening-{day}-{each}",
                account_id=account_id,
                symbol="BTC_USDC",
                side="long" if each % 2 else "short",
                margin=3_000_000,
                leverage=100,
            )
            append(opening, now + 1_000 + each)
    assert producer.flush(30) == 0
    set_time_type(exchange.settings, OF_THE_BROKER)


def open_positions(exchange: Exchange, account_id: str) -> int:
    """Count them in the tables."""
    text = "SELECT count(*) FROM ledger.positions WHERE account_id = %s AND status = 'open'"
    with psycopg.connect(exchange.settings.database_url.replace("+psycopg", "")) as db:
        ((count,),) = db.execute(text, (account_id,)).fetchall()
    return int(count)


def prices(exchange: Exchange, at: int, number: int) -> UpdatePrices:
    tick = Tick(
        symbol="BTC_USDC",
        bid=Ticks(BID),
        ask=Ticks(BID + 1),
        low=2 * BID + 1,
        high=2 * BID + 1,
        source_time=Timestamp(at),
        update_id=number,
    )
    return UpdatePrices(feed=FEED, run=exchange.run, sent_at=at, ticks=(tick,), alive=())


def test_close_08_one_command_closes_1198_positions_of_version_1_through_the_api_after_the_clock_was_mended(
    exchange: Exchange,
) -> None:
    user, admin = exchange.new_user(), administrator(exchange)
    account_id = user.get("/auth/me")["account_id"]
    append_ahead(exchange, account_id)
    eventually(lambda: open_positions(exchange, account_id), lambda count: count == sum(DAYS), 60)
    with kept_alive(exchange):
        why = eventually(exchange.readiness, lambda seen: seen[0] == 503 and "clock" in seen[1])
        assert "ahead of this API's" in why[1]
        asked = admin.http.post("/admin/rules", json={"version": 2})
        assert asked.is_success, asked.text
        eventually(lambda: admin.get("/admin/rules"), lambda rules: rules["in_force"] == 2)
        mended = admin.http.post("/admin/clock").json()["name"]
        eventually(lambda: admin.get(f"/admin/broadcasts/{mended}"), lambda seen: not seen["waiting"])
        eventually(exchange.readiness, lambda seen: seen[0] == 200)
        exchange.new_feed()
        exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
        exchange.until_fresh("BTC_USDC")
        closed = user.http.post("/positions/close-all", headers={"Idempotency-Key": "all"}, timeout=60)
        assert closed.status_code == 200, closed.text
        items = closed.json()["items"]
        assert [item["status"] for item in items] == ["done"] * sum(DAYS)
        assert len({item["command_id"] for item in items}) == 1
        again = user.http.post("/positions/close-all", headers={"Idempotency-Key": "all"}, timeout=60)
        assert {item["position_id"] for item in again.json()["items"]} == {item["position_id"] for item in items}
        assert open_positions(exchange, account_id) == 0
        assert user.opened(margin="10")["status"] == "filled", "trading goes on"

    log = open_cluster(exchange.settings)
    shard = shard_of(account_id, exchange.settings.shards)
    events = [decode_event(record.value) for batch in log.events(shard, 0) for record in batch]
    (outcome,) = (event for event in events if isinstance(event, AllClosed))
    closings = [event for event in events if isinstance(event, PositionClosed)]
    assert {event.command_offset for event in closings} == {outcome.command_offset}
    assert any(event.before - event.time > APART_S * 1_000_000 for event in events if isinstance(event, ClockSet))
    assert verify(log, VerifyRequest(log.held, processes=1)).differences == []
