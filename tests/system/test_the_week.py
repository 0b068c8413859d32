"""A real week at full speed, with the engine killed five times in it: the books agree, and nothing shows the kills."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from projector.migrate import migrate
from runtime.kafka import LogRecord, admin_options, command_producer_options, end_offsets
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import decode_event
from schemas.events import CommandRejected, PositionClosed
from schemas.topics import COMMANDS, EVENTS
from stack.ports import free_ports
from tests.conftest import SettingsFactory, new_database
from tests.processes import ServiceProcess, eventually, gone_at_the_end
from tests.replaying import Replay, execute_records
from tests.system.agreement import differences_of_fold, differences_of_tables
from tests.system.exchange import read_all, shards_are_done, status
from tests.system.week import Clients, play

pytestmark = pytest.mark.slow
BARS = Path(__file__).parents[1] / "data" / "btc_perp_1m_2022-01-01_to_08.csv.gz"
SEED = 20220101
KILLS = 5
WEEK_TICKS = 4 * 11_579
START_TIMEOUT_S = 180.0
DONE_TIMEOUT_S = 300.0


class Week(NamedTuple):
    """What the week left behind: per shard the commands and events, and their execution in this process."""

    settings: Settings
    ticks: int
    commands: list[list[LogRecord]]
    events: list[list[LogRecord]]
    replays: list[Replay]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, week_settings: Settings) -> Week:
    folder = tmp_path_factory.mktemp("week")
    settings = week_settings
    migrate(settings.database_url)
    kills = sorted(random.Random(SEED).sample(range(1_000, WEEK_TICKS - 1_000), KILLS))
    print(f"seed {SEED}: the engine is killed at ticks {kills}")
    clients = Clients(settings, SEED)
    with gone_at_the_end(ServiceProcess("engine", settings, folder / "engine.log")) as engine:
        eventually(lambda: _is_done(engine), bool, START_TIMEOUT_S)
        with gone_at_the_end(ServiceProcess("projector", settings, folder / "projector.log")):

            def kill(count: int) -> None:
                if count in kills:
                    clients.flush()
                    engine.kill()
                    engine.restart()

            ticks = play(settings, BARS, clients, kill)
            clients.close()
            eventually(lambda: _is_done(engine), bool, DONE_TIMEOUT_S, pause_s=0.5)
            executed = {shard["shard"]: shard["seq"] for shard in status(settings.engine_port)["shards"]}
            eventually(lambda: _projected(settings), lambda seqs: seqs == executed, DONE_TIMEOUT_S, pause_s=0.5)
            assert engine.stop() == 0, engine.log
    shards = range(settings.shards)
    commands = [read_all(settings, COMMANDS, shard) for shard in shards]
    events = [read_all(settings, EVENTS, shard) for shard in shards]
    return Week(
        settings,
        ticks,
        commands,
        events,
        [execute_records(shard, settings.shards, commands[shard], laws_every=1_000) for shard in shards],
    )


@pytest.fixture(scope="module")
def week_settings(fresh_kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    engine, projector = free_ports(2)
    with new_database(postgres) as database_url:
        settings = Settings(
            kafka_brokers=fresh_kafka,
            database_url=database_url,
            data=tmp_path_factory.mktemp("data"),
            engine_port=engine,
            engine_worker_id="worker-1",
            projector_port=projector,
        )
        ensure_topics(settings)
        yield settings


def _is_done(engine: ServiceProcess) -> bool:
    assert engine.process.poll() is None, engine.log
    return shards_are_done(engine.settings, [engine.settings.engine_port])


def _projected(settings: Settings) -> dict[int, int]:
    return {shard["shard"]: shard["seq"] for shard in status(settings.projector_port).get("shards", [])}


@pytest.mark.timeout(600)
def test_every_tick_of_the_week_reaches_every_shard_once_and_positions_are_liquidated(week: Week) -> None:
    outcomes: Counter[str] = Counter()
    for events in week.events:
        for record in events:
            event = decode_event(record.value)
            outcomes[event.reason if isinstance(event, PositionClosed) else type(event).__name__] += 1
            if isinstance(event, CommandRejected) and event.command == "UpdatePrices":
                outcomes["refused prices"] += 1
    print(dict(outcomes))
    assert week.ticks == WEEK_TICKS
    assert outcomes["PricesUpdated"] == WEEK_TICKS * week.settings.shards
    assert outcomes["refused prices"] == 0
    assert outcomes["liquidation"] > 100
    assert outcomes["stop_loss"] > 100
    assert outcomes["take_profit"] > 100
    assert outcomes["manual"] > 100


def test_after_kills_of_the_engine_the_events_are_byte_for_byte_the_replay_of_the_commands(week: Week) -> None:
    for shard, replay in enumerate(week.replays):
        assert [record.value for record in week.events[shard]] == replay.values, f"shard {shard}"


def test_the_fold_of_the_events_is_the_ledger_of_the_executed_commands(week: Week) -> None:
    assert not [difference for replay in week.replays for difference in differences_of_fold(replay)]


def test_the_tables_hold_the_ledger_of_the_replay_to_the_last_unit(week: Week) -> None:
    assert not differences_of_tables(week.settings.database_url, [replay.state for replay in week.replays])


@pytest.mark.timeout(600)
def test_an_engine_that_is_never_killed_writes_the_events_of_the_killed_engine_from_a_copy_of_the_commands(
    week: Week, kafka: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    assert kafka != week.settings.kafka_brokers
    copy = settings(engine_worker_id="worker-1")
    _keep_times(copy)
    producer = Producer(command_producer_options(copy))
    for shard, commands in enumerate(week.commands):
        for record in commands:
            producer.produce(COMMANDS, record.value, record.key, partition=shard, timestamp=record.timestamp_ms)
            producer.poll(0)
            if record.offset % 1_000 == 0:
                producer.flush(30)
    assert producer.flush(60) == 0
    assert end_offsets(copy, COMMANDS) == [len(commands) for commands in week.commands]
    with gone_at_the_end(ServiceProcess("engine", copy, tmp_path / "engine.log")) as engine:
        eventually(lambda: _is_done(engine), bool, DONE_TIMEOUT_S, pause_s=0.5)
    for shard, events in enumerate(week.events):
        undisturbed = read_all(copy, EVENTS, shard)
        assert [record.value for record in undisturbed] == [record.value for record in events], f"shard {shard}"
        assert [record.key for record in undisturbed] == [record.key for record in events], f"shard {shard}"


def _keep_times(settings: Settings) -> None:
    """Make the commands topic take the times of the records instead of the broker's."""
    entry = ConfigEntry("message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, COMMANDS, incremental_configs=[entry])
    admin = AdminClient(admin_options(settings))
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(timeout=10)
