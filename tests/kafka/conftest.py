"""Fixtures of the engine workers' tests: empty topics, and a group without members."""

from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.conftest import SettingsFactory
from tests.kafka.workers import Client, until_group_is_empty


@pytest.fixture
def ledger(settings: SettingsFactory) -> Settings:
    """Settings of a first worker without an instance id, over empty topics."""
    made = settings(engine_worker_id=None)
    until_group_is_empty(made)
    return made


@pytest.fixture
def client(ledger: Settings) -> Client:
    return Client(ledger)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where a worker's log goes."""
    return tmp_path / "engine.log"
