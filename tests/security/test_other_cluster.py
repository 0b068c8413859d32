"""A cluster that took the place of an instance's own gets none of its orders, and is named."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

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
    with running(command, folder / "output") as process:
        wait_for_broker(port, lambda: process.poll() is None)
        settings = Settings(kafka_brokers=f"{LOOPBACK}:{port}", shards=shards)
        ensure_topics(settings)
        yield settings


def test_a_watch_names_another_cluster_and_a_topic_that_was_made_anew_and_forgets_both_when_its_own_is_back(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    with broker(tmp_path / "own", port) as settings:
        own = identity(settings)
        assert set(own.topics) > {COMMANDS}
        pinned = settings.model_copy(
            update={
                "kafka_cluster_id": own.cluster,
                "kafka_topic_ids": tuple(f"{name}={value}" for name, value in own.topics.items()),
            }
        )
        watch = ClusterWatch(pinned)
        watch.require_same()
        watch.start()
    with broker(tmp_path / "other", port) as settings:
        why = WHY.format(port=port, found=identity(settings).cluster, own=own.cluster)
        eventually(lambda: watch.why, lambda found: found == why)
        with pytest.raises(FixableError, match="is another one: it is cluster"):
            ClusterWatch(pinned).require_same()
        ClusterWatch(settings).require_same()  # Whoever has known no other believes it.
    with broker(tmp_path / "own", port):
        eventually(lambda: watch.why, lambda found: found is None)
        admin = AdminClient(admin_options(pinned))
        admin.delete_topics([COMMANDS])[COMMANDS].result(10)
        eventually(lambda: COMMANDS in admin.list_topics(timeout=5).topics, lambda is_there: not is_there)
        ensure_topics(pinned)
        eventually(lambda: watch.why or "", lambda found: f"its topic {COMMANDS}, with id" in found)
    watch.stop()


@pytest.mark.parametrize(
    "name", ["engine", *(pytest.param(name, marks=pytest.mark.slow) for name in ("market-data", "projector", "replay"))]
)
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


def test_an_api_sends_no_order_to_another_cluster_says_so_and_goes_on_with_its_own(
    postgres: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    settings = settings_of(f"{LOOPBACK}:{port}", postgres, tmp_path)
    with ExitStack() as stack:
        exchange = stack.enter_context(closing(Exchange(settings, tmp_path)))
        with (
            broker(tmp_path / "own", port, settings.shards),
            service("engine", settings, tmp_path),
            service("projector", settings, tmp_path),
        ):
            exchange.until_ready(stack.enter_context(service("api", settings, tmp_path)))
            exchange.new_feed()
            exchange.confirmed_price("BTC_USDC", "49999.9", "50000.0")
            exchange.until_fresh("BTC_USDC")
            user = exchange.new_user()
        with broker(tmp_path / "other", port, settings.shards) as other:
            named = f"The Kafka at {LOOPBACK}:{port} is another one: it is cluster {identity(other).cluster}"
            eventually(exchange.readiness, lambda seen: seen[0] == 503 and named in seen[1])
            reply = user.order()
            assert reply.status_code == 503, reply.text
            assert sum(end_offsets(other, COMMANDS)) == 0, "the other cluster got nothing"
        with broker(tmp_path / "own", port, settings.shards):
            eventually(exchange.readiness, lambda seen: "is another one" not in seen[1], 60.0)
