"""A cluster that took the place of an instance's own gets none of its orders, and is named."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from confluent_kafka.admin import AdminClient

from runtime.cluster import ClusterWatch, identity
from runtime.errors import FixableError
from runtime.kafka import admin_options, end_offsets
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.topics import COMMANDS
from stack.foreground import running
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from tests.api.conftest import settings_of
from tests.api.exchange import Exchange, service
from tests.processes import ServiceProcess, eventually, gone_at_the_end

pytestmark = pytest.mark.timeout(600)
WHY = "The Kafka at 127.0.0.1:{port} is another one: it is cluster {found}, and this instance's is {own}."


@contextmanager
def broker(folder: Path, port: int, shards: int = 4) -> Iterator[Settings]:
    """A broker at a port, whose storage is in a folder."""
    command = prepare_broker(folder, port, free_ports(1)[0], print, small=True)
    # What it has acknowledged outlives it also so, and it ends at once.
    with running(command, folder / "output", stop=signal.SIGKILL) as process:
        wait_for_broker(port, lambda: process.poll() is None)
        settings = Settings(kafka_brokers=f"{LOOPBACK}:{port}", shards=shards)
        ensure_topics(settings)
        yield settings


class Seen(NamedTuple):
    """What an API, an engine and a watch say while another cluster has the address of their own, and after that.

    sent_to_other: how many commands the other one got. anew: what the watch says of a topic that was made anew.
    """

    own: str
    other: str
    why_of_api: str
    refused: httpx.Response
    sent_to_other: int
    why_of_api_afterwards: str
    engine: ServiceProcess
    why_of_watch: str | None
    why_not_begun: str
    why_of_watch_afterwards: str | None
    anew: str


@pytest.fixture(scope="module")
def seen(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Its own cluster, then another at the same address, then its own again."""
    folder = tmp_path_factory.mktemp("clusters")
    (port,) = free_ports(1)
    settings = settings_of(f"{LOOPBACK}:{port}", postgres, folder)
    with ExitStack() as stack:
        exchange = stack.enter_context(closing(Exchange(settings, folder)))
        with broker(folder / "own", port, settings.shards), service("projector", settings, folder):
            own = identity(settings)
            assert set(own.topics) > {COMMANDS}
            topic_ids = tuple(f"{name}={value}" for name, value in own.topics.items())
            pinned = settings.model_copy(update={"kafka_cluster_id": own.cluster, "kafka_topic_ids": topic_ids})
            watch = ClusterWatch(pinned)
            watch.require_same()
            watch.start()
            stack.callback(watch.stop)
            believing = settings.model_copy(update={"kafka_cluster_id": own.cluster})
            engine = stack.enter_context(service("engine", believing, folder))
            exchange.until_ready(stack.enter_context(service("api", settings, folder)))
            exchange.new_feed()
            exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
            exchange.until_fresh("BTC_USDC")
            user = exchange.new_user()
        with broker(folder / "other", port, settings.shards) as reached:
            other = identity(reached).cluster
            if engine.process.poll() is not None:  # It had given up before; it is started again as by its manager.
                engine.restart()
            why = eventually(exchange.readiness, lambda found: found[0] == 503 and "is another one" in found[1])[1]
            why_of_watch = eventually(lambda: watch.why, lambda found: found is not None and "is another" in found)
            with pytest.raises(FixableError) as not_begun:
                ClusterWatch(pinned).require_same()
            ClusterWatch(reached).require_same()  # Whoever has known no other believes it.
            refused = user.order()
            eventually(engine.process.poll, lambda code: code is not None, 60.0)
            sent_to_other = sum(end_offsets(reached, COMMANDS))
        with broker(folder / "own", port, settings.shards):
            eventually(lambda: watch.why, lambda found: found is None)
            afterwards = eventually(exchange.readiness, lambda found: "is another one" not in found[1], 60.0)
            why_of_watch_afterwards = watch.why
            admin = AdminClient(admin_options(pinned))
            admin.delete_topics([COMMANDS])[COMMANDS].result(10)
            eventually(lambda: COMMANDS in admin.list_topics(timeout=5).topics, lambda is_there: not is_there)
            ensure_topics(pinned)
            anew = eventually(lambda: watch.why or "", lambda found: f"its topic {COMMANDS}, with id" in found)
    return Seen(
        own=own.cluster,
        other=other,
        why_of_api=why,
        refused=refused,
        sent_to_other=sent_to_other,
        why_of_api_afterwards=afterwards[1],
        engine=engine,
        why_of_watch=why_of_watch,
        why_not_begun=str(not_begun.value),
        why_of_watch_afterwards=why_of_watch_afterwards,
        anew=anew,
    )


def why_of(seen: Seen) -> str:
    return f" is another one: it is cluster {seen.other}, and this instance's is {seen.own}."


def test_an_api_sends_no_order_to_another_cluster_says_so_and_goes_on_with_its_own(seen: Seen) -> None:
    assert f" is another one: it is cluster {seen.other}" in seen.why_of_api
    assert seen.refused.status_code == 503, seen.refused.text
    assert seen.sent_to_other == 0
    assert "is another one" not in seen.why_of_api_afterwards


def test_an_engine_ends_where_another_cluster_answers_and_says_which(seen: Seen) -> None:
    assert seen.engine.process.returncode == 1
    assert why_of(seen) in seen.engine.log


def test_a_watch_names_another_cluster_and_a_topic_that_was_made_anew_and_forgets_both_when_its_own_is_back(
    seen: Seen,
) -> None:
    assert (seen.why_of_watch or "").endswith(why_of(seen))
    assert "is another one: it is cluster" in seen.why_not_begun
    assert seen.why_of_watch_afterwards is None
    assert f"its topic {COMMANDS}, with id" in seen.anew


@pytest.mark.slow
@pytest.mark.parametrize("name", ["market-data", "projector", "replay"])
def test_a_service_ends_where_another_cluster_answers_and_says_which(name: str, postgres: str, tmp_path: Path) -> None:
    port, pages = free_ports(2)
    pages_of = {f"{name.replace('-', '_')}_port": pages}
    with broker(tmp_path / "own", port) as settings:
        own = identity(settings).cluster
        mine = settings.model_copy(
            update={
                "database_url": postgres,
                "data": tmp_path,
                "jwt_secret": "a-key-of-the-tests-of-at-least-32-bytes",
                "kafka_cluster_id": own,
                **pages_of,
            }
        )
        started = ServiceProcess(name, mine, tmp_path / "output")
        with gone_at_the_end(started):
            eventually(lambda: _answers(pages), lambda is_up: is_up, 60.0)
    with gone_at_the_end(started), broker(tmp_path / "other", port) as settings:
        if started.process.poll() is not None:  # It had given up before; it is started again as by its manager.
            started.restart()
        eventually(started.process.poll, lambda code: code is not None, 60.0)
        found = identity(settings).cluster
    assert started.process.returncode == 1
    assert WHY.format(port=port, found=found, own=own) in started.log


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{LOOPBACK}:{port}/healthz").is_success
    except httpx.HTTPError:
        return False
