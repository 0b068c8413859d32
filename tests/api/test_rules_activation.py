"""An administrator brings every shard to the next version of the rules, through ends of the processes."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from projector.migrate import migrate
from runtime.kafka import end_offsets, read_back
from runtime.settings import Settings
from schemas.codec import decode_event
from schemas.events import RulesActivated
from schemas.topics import COMMANDS, EVENTS
from tests.activating import older_program
from tests.api.conftest import settings_of
from tests.api.exchange import Exchange
from tests.api.test_rules import ALL, administrator, asked
from tests.conftest import empty_topics
from tests.processes import ServiceProcess, eventually, gone_at_the_end

START_TIMEOUT_S = 120.0


@pytest.fixture
def restartable(
    kafka: str, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Exchange, "Restartable"]]:
    """An exchange begun by older code, under version 1; a test may end its engine and API and start them again."""
    folder = tmp_path_factory.mktemp("restartable")
    settings = settings_of(kafka, database, folder)
    empty_topics(settings)
    migrate(database)
    with ExitStack() as stack:
        running = Exchange(settings, folder)
        stack.callback(running.close)
        older = Restartable(settings, stack, older_program("engine.shell.main"), older_program("api.main"))
        eventually(running.readiness, lambda seen: seen[0] == 200, START_TIMEOUT_S)
        eventually(
            lambda: event_types(settings),
            lambda found: found == ["InstrumentsDefined"] * settings.shards,
            START_TIMEOUT_S,
        )
        assert (older.api.stop(), older.engine.stop()) == (0, 0)
        started = Restartable(settings, stack)
        eventually(running.readiness, lambda seen: seen[0] == 200, START_TIMEOUT_S)
        yield running, started


def event_types(settings: Settings) -> list[str]:
    """What happened in all shards."""
    values = [record.value for shard in range(settings.shards) for record in read_back(settings, EVENTS, shard, ALL)]
    return [type(decode_event(value)).__name__ for value in values]


class Restartable:
    """The processes; or other code in their place."""

    def __init__(self, settings: Settings, stack: ExitStack, engine: str | None = None, api: str | None = None) -> None:
        def start(name: str, code: str | None) -> ServiceProcess:
            process = ServiceProcess(name, settings, settings.data.parent / f"{name}.log", code)
            return stack.enter_context(gone_at_the_end(process))

        self.engine = start("engine", engine)
        self.api = start("api", api)


@pytest.mark.slow
def test_an_activation_is_sent_to_each_shard_until_that_shard_has_answered(
    restartable: tuple[Exchange, Restartable],
) -> None:
    exchange, processes = restartable
    settings, admin = exchange.settings, administrator(exchange)
    shards = list(range(settings.shards))
    assert processes.engine.stop() == 0
    status, stored = asked(admin, {"version": 2})
    assert (status, stored) == (202, {"version": 2, "broadcast": "rules-2", "answered": [], "waiting": shards})
    # The intent outlives the process that took it.
    assert processes.api.stop() == 0
    processes.api.restart()
    processes.engine.restart()
    eventually(exchange.readiness, lambda seen: seen[0] == 200, START_TIMEOUT_S)
    done = eventually(lambda: admin.get("/admin/rules"), lambda seen: seen["in_force"] == 2, 30.0)
    assert done == {
        "in_force": 2,
        "newest": 2,
        "activations": [{"version": 2, "broadcast": "rules-2", "answered": shards, "waiting": []}],
    }
    for shard in shards:
        events = [decode_event(record.value) for record in read_back(settings, EVENTS, shard, ALL)]
        assert sum(isinstance(event, RulesActivated) for event in events) == 1
    before = end_offsets(settings, COMMANDS)
    assert asked(admin, {"version": 2}) == (202, done["activations"][0])
    assert asked(admin, {"version": 4})[1]["code"] == "RULES_VERSION_NOT_NEXT"
    assert asked(admin, {"version": 3})[1]["code"] == "RULES_VERSION_UNKNOWN"
    assert end_offsets(settings, COMMANDS) == before
