"""A request that arrives late can tear no transaction of the engine, and where one is torn, the successor mends it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench._workload import accounts_of, opening_day, prices
from engine.shell.liveness import CANNOT_COMMIT
from runtime.settings import Settings
from schemas.codec import decode_event
from schemas.commands import Deposit, OpenPosition
from schemas.events import PositionClosed
from stack.foreground import running
from stack.kafka import wait_for_broker
from stack.ports import LOOPBACK, free_ports
from tests.exchange_processes import broker_behind
from tests.kafka.late_request import LateRequestLink
from tests.kafka.workers import Client, EngineProcess, clock, commands_in, engine, events_in, events_when
from tests.kafka.workers import executed_in_process as expected_of

SHARD = 1
POSITIONS = 60
# One transaction goes to the broker in several parts, as a large one always does.
IN_PARTS = """
from engine.shell import log
log.QUEUE["batch.num.messages"] = 10
"""
GUARDED = f"""{IN_PARTS}
from engine.core.step import step
from engine.shell.main import run
from runtime.settings import Settings
run(Settings(), step)
"""
UNGUARDED = f"""
from runtime.transactions import TransactionalProducer
TransactionalProducer.is_doubtful = property(lambda self: False, lambda self, value: None)
{GUARDED}
"""


@pytest.fixture(scope="module")
def link_and_broker() -> Iterator[tuple[LateRequestLink, str]]:
    """A broker whose clients come to it over a link."""
    way, port, controller = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="reprise-kafka-") as folder:
        command = broker_behind(Path(folder), port, controller, way)
        with running(command, Path(folder) / "output") as process:
            link = LateRequestLink(way, port)
            wait_for_broker(port, lambda: process.poll() is None)
            yield link, f"{LOOPBACK}:{way}"
            link.close()


@pytest.fixture(scope="module")
def kafka(link_and_broker: tuple[LateRequestLink, str]) -> str:
    return link_and_broker[1]


@pytest.fixture
def link(link_and_broker: tuple[LateRequestLink, str]) -> LateRequestLink:
    found = link_and_broker[0]
    found.forget()
    return found


def test_after_a_lost_connection_a_new_producer_fences_the_request_that_is_still_on_its_way(
    ledger: Settings, client: Client, link: LateRequestLink, output: Path
) -> None:
    with engine(ledger, output, GUARDED) as worker:
        liquidate_at_a_late_request(ledger, client, link, worker)
        assert b"engine-1" in link.initialized, "a new producer has a higher epoch"
        assert link.late_answer != 0, "the late request is refused"
        assert_each_event_stands_once(ledger)
        (line,) = worker.logged("a new producer follows on a commit that was slow or disturbed")
        assert line["shard"] == SHARD
        assert worker.stop() == 0


def test_without_a_new_producer_a_late_request_tears_a_command_and_the_successor_completes_it(
    ledger: Settings, client: Client, link: LateRequestLink, output: Path
) -> None:
    with engine(ledger, output, UNGUARDED) as worker:
        liquidate_at_a_late_request(ledger, client, link, worker)
        assert link.late_answer == 0, "the late request ends the next transaction"
        assert worker.process.wait(30) == CANNOT_COMMIT, worker.log
    events = [decode_event(record.value) for record in events_in(ledger, SHARD)]
    assert isinstance(events[-1], PositionClosed)
    assert 0 < events[-1].index < POSITIONS, "the events end in the middle of the tick"
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert_each_event_stands_once(ledger)


def liquidate_at_a_late_request(ledger: Settings, client: Client, link: LateRequestLink, worker: EngineProcess) -> None:
    """Let the end of one transaction arrive in the middle of the next, whose events are those of one tick."""
    accounts = accounts_of(SHARD, ledger.shards, 3)
    worker.until_live(ledger.shards)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, [opening(number, accounts[number % 3]) for number in range(POSITIONS)])
    assert_each_event_stands_once(ledger)
    link.hold_next_end(f"engine-{SHARD}")
    before = len(events_in(ledger, SHARD))
    client.append(SHARD, [Deposit(command_id="deposit", account_id=accounts[0], amount=1_000_000)])
    events_when(ledger, SHARD, before + 1)
    client.append(SHARD, [prices(3, -300, clock)])
    assert link.is_released.wait(60), worker.log


def opening(number: int, account: str) -> OpenPosition:
    return OpenPosition(
        command_id=f"open-{number}",
        account_id=account,
        symbol="BTC_USDC",
        side="long",
        margin=10_000_000,
        leverage=5_000,
    )


def assert_each_event_stands_once(ledger: Settings) -> None:
    """What a read-committed consumer reads is what the commands lead to, in order."""
    expected = expected_of(SHARD, ledger.shards, commands_in(ledger, SHARD))
    assert [record.value for record in events_when(ledger, SHARD, len(expected))] == expected
