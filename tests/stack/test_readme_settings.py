"""An instance starts with the `.env` that a seed's README prints, in the demo profile only."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from api.main import jwt_secret, retired_secrets
from cli.main import call
from runtime.python import reprise_command
from runtime.secret_strength import is_short
from runtime.setting_sources import load_settings
from runtime.settings import Settings
from stack.instance import InstanceFolder
from stack.ports import free_ports
from stack.secrets import secrets_of, short_secret_notices
from tests.api.seeds.entries import SEEDS, seed
from tests.conftest import new_database
from tests.processes import OF_OTHER_SERVERS, reprise

PRINTED = {number: text.text for number in SEEDS if (text := seed(number).environment) is not None}
SHORT = "your-secret-key"
RETIRED = "the-one-before"
TIMEOUT_S = 180


@pytest.fixture(autouse=True)
def _with_nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AUTH_JWT_SECRET", "JWT_SECRETS_RETIRED", "ENCRYPTION_KEY", "REPRISE_DATA", *OF_OTHER_SERVERS):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("number", PRINTED)
def test_the_env_file_printed_in_a_readme_gives_the_api_an_accepted_secret(number: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(PRINTED[number], encoding="utf-8")
    settings = load_settings(tmp_path, None)
    printed = dotenv_values(".env")
    given = printed.get("JWT_SECRET") or printed.get("AUTH_JWT_SECRET")
    assert settings.jwt_secret == given
    assert len(short_secret_notices(settings)) == (0 if given is None else 1)
    secret = jwt_secret(started(tmp_path, settings))
    assert not is_short(secret)
    assert secret != given
    # The same after a restart, and another in another folder: it is not to be guessed from the README.
    assert jwt_secret(started(tmp_path, settings)) == secret
    assert jwt_secret(started(tmp_path / "other", settings)) != secret


def test_a_replaced_short_secret_is_kept_as_a_retired_secret_with_a_notice(tmp_path: Path) -> None:
    before = jwt_secret(started(tmp_path, given(SHORT)))
    now = started(tmp_path, given(RETIRED, retired=SHORT))
    assert jwt_secret(now) != before
    assert retired_secrets(now) == (before,)
    assert [notice.split()[0] for notice in short_secret_notices(given(RETIRED, retired=SHORT))] == [
        "JWT_SECRET",
        "JWT_SECRETS_RETIRED",
    ]


@pytest.mark.parametrize(
    ("secret", "retired", "said"),
    [
        (SHORT, "", "JWT_SECRET has 15 bytes"),
        ("changethis" * 4, "", "JWT_SECRET looks like an example"),
        ("8e0c1b7f3a5d9e2c4b6a8f0d1e3c5b7a", SHORT, "JWT_SECRETS_RETIRED has 15 bytes"),
    ],
)
def test_in_production_a_weak_secret_is_refused_before_any_process_starts(
    secret: str,
    retired: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("REPRISE_PROFILE", "production")
    monkeypatch.setenv("JWT_SECRET", secret)
    monkeypatch.setenv("JWT_SECRETS_RETIRED", retired)
    monkeypatch.setenv("ENCRYPTION_KEY", "b7Kp2xQm9Zr4Ws6Tn8Vy1Lc3Hd5Jf0Ga")
    (port,) = free_ports(1)
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    printed = capsys.readouterr()
    assert said in printed.err
    assert secret not in printed.err + printed.out
    assert not (tmp_path / "x" / "kafka").exists()
    assert not InstanceFolder(tmp_path / "x").secrets.exists()


def test_an_api_run_alone_accepts_a_short_secret_in_the_demo_profile_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken = []
    monkeypatch.setattr("api.main.main", lambda settings: taken.append(jwt_secret(settings)))
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path))
    monkeypatch.setenv("AUTH_JWT_SECRET", SHORT)
    assert call(["run", "api"]) == 0
    assert taken == [jwt_secret(started(tmp_path, given(SHORT)))]
    monkeypatch.setenv("REPRISE_PROFILE", "production")
    assert call(["run", "api"]) == 1


@pytest.fixture
def own_database(postgres: str) -> Iterator[str]:
    with new_database(postgres) as url:
        yield url


@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
def test_up_starts_with_the_env_file_of_seed_001(own_database: str, tmp_path: Path) -> None:
    """As printed, except for the database: no user has its user name and password."""
    lines = PRINTED["001"].splitlines(keepends=True)
    others = [line for line in lines if not line.startswith("DATABASE_URL=")]
    assert len(others) == len(lines) - 1
    # The way its line is written, without the name of a driver.
    database = own_database.replace("postgresql+psycopg:", "postgresql:")
    data, (port,) = tmp_path / "instance", free_ports(1)
    data.mkdir()
    (data / ".env").write_text("".join([f'DATABASE_URL="{database}"\n', *others]), encoding="utf-8")
    try:
        up = subprocess.run(
            reprise_command("up", "--detach", "--data", str(data), "--port", str(port)),
            cwd=tmp_path,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert up.returncode == 0, up.stdout + up.stderr
        assert f"AUTH_JWT_SECRET has {len(SHORT)} bytes: " in up.stdout
        credentials = {"email": "ada@example.com", "password": "correct horse battery"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0) as client:
            assert client.post("/api/v1/auth/register", json=credentials).status_code == 201
            token = client.post("/api/v1/auth/login", json=credentials).json()["access_token"]
            me = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).json()
            assert me["email"] == credentials["email"]
    finally:
        reprise("down", "--data", data, timeout=TIMEOUT_S)


def given(secret: str, retired: str = "") -> Settings:
    return Settings.model_validate({"jwt_secret": secret, "auth_jwt_secret": None, "jwt_secrets_retired": retired})


def started(folder: Path, settings: Settings) -> Settings:
    """The settings of the API that `up` starts: what it hands on wins over `.env`."""
    return settings.model_validate(
        {
            "jwt_secret": (handed := secrets_of(InstanceFolder(folder), settings))["JWT_SECRET"],
            "auth_jwt_secret": None,
            "jwt_secrets_retired": handed["JWT_SECRETS_RETIRED"],
        }
    )
