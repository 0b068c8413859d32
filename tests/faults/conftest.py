"""Fixtures of the tests that kill processes: those of the engine workers' tests, and a seed."""

from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.conftest import SettingsFactory
from tests.faults.seeds import VARIABLE, chosen_seed
from tests.kafka.workers import Client, until_group_is_empty


@pytest.fixture
def seed(monkeypatch: pytest.MonkeyPatch) -> int:
    """What decides the faults; a failure shows it, and the processes that the test starts find it."""
    chosen = chosen_seed()
    monkeypatch.setenv(VARIABLE, str(chosen))
    return chosen


@pytest.fixture
def ledger(settings: SettingsFactory) -> Settings:
    """Settings of a worker whose shards wait for it, over empty topics."""
    made = settings(engine_worker_id="worker-1")
    until_group_is_empty(made)
    return made


@pytest.fixture
def client(ledger: Settings) -> Client:
    return Client(ledger)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where a worker's log goes."""
    return tmp_path / "engine.log"
