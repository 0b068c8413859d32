"""A start has the profile that its ledger has been under, unless another is meant."""

from pathlib import Path
from secrets import token_hex, token_urlsafe

import pytest
from sqlalchemy import create_engine

from api.store.journal import note_profile
from cli.database import migrate_url
from runtime.errors import FixableError
from stack.instance import InstanceFolder
from stack.ports import free_ports
from stack.profile_choice import require_same_profile
from tests.processes import reprise

TIMEOUT_S = 180.0


def noted(database_url: str, *profiles: str) -> str:
    """Give a database whose journal has these profiles, oldest first."""
    migrate_url(database_url)
    engine = create_engine(database_url)
    for profile in profiles:
        with engine.begin() as db:
            note_profile(db, profile)
    engine.dispose()
    return database_url


@pytest.mark.parametrize("profile", ["demo", "production"])
def test_a_first_start_has_any_profile(database_url: str, profile: str) -> None:
    require_same_profile(profile, noted(database_url), change=False)


def test_a_start_of_the_last_profile_is_allowed(database_url: str) -> None:
    require_same_profile("production", noted(database_url, "demo", "production"), change=False)


def test_a_production_ledger_is_not_started_as_a_demo_by_accident(database_url: str) -> None:
    url = noted(database_url, "production")
    with pytest.raises(FixableError, match=r"Set REPRISE_PROFILE=production .* or say --change-profile"):
        require_same_profile("demo", url, change=False)
    require_same_profile("demo", url, change=True)


def test_a_ledger_of_play_money_is_not_started_in_production_by_accident(database_url: str) -> None:
    url = noted(database_url, "demo")
    with pytest.raises(FixableError, match=r"another folder, with --data, or say --change-profile"):
        require_same_profile("production", url, change=False)
    require_same_profile("production", url, change=True)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_instance_of_the_demo_profile_refuses_production_and_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    up = ["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]
    assert reprise(*up, "--feed", "simulated", timeout=TIMEOUT_S).returncode == 0
    assert reprise("down", "--data", str(tmp_path / "x"), timeout=TIMEOUT_S).returncode == 0
    before = InstanceFolder(tmp_path / "x").record.read_bytes()
    monkeypatch.setenv("REPRISE_PROFILE", "production")
    monkeypatch.setenv("AUTH_JWT_SECRET", token_urlsafe(48))
    monkeypatch.setenv("ENCRYPTION_KEY", token_hex(32))
    refused = reprise(*up, timeout=TIMEOUT_S)
    assert refused.returncode == 1
    assert "This instance is of the demo profile" in refused.stderr
    assert InstanceFolder(tmp_path / "x").record.read_bytes() == before
