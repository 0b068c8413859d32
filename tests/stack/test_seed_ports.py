"""`up --seed-ports`: the READMEs of the seeds at their own addresses, and what is said of a port that is taken."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import processes
from api.conftest import kept_alive
from api.seeds.entries import SEEDS, seed
from api.seeds.market import SYMBOLS, Market
from api.seeds.readme import run_readme
from reprise.cli.main import call
from reprise.runtime.settings import SEED_PORTS, Settings
from reprise.stack.instance import Folder
from reprise.stack.ports import free_ports, is_free
from reprise.stack.start import settings_of

TIMEOUT_S = 300


def test_what_the_seeds_set_and_nothing_here_reads_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379")
    (tmp_path / ".env").write_text("REDIS_HOST=localhost\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    assert "REDIS_HOST, REDIS_URL: ignored, there is no Redis here." in capsys.readouterr().out


def test_the_seeds_ports_are_of_the_demo_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRISE_PROFILE", "production")
    assert call(["up", "--seed-ports", "--data", str(tmp_path / "x")]) == 1
    assert "demo profile" in capsys.readouterr().err


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Market, str]]:
    """An instance on the seeds' ports but one, which another program has; and what its start said."""
    if not all(is_free(port) for port in SEED_PORTS):
        pytest.skip("a program of this machine listens on one of the seeds' ports")
    data = tmp_path_factory.mktemp("instance")
    (port,) = free_ports(1)
    with ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 3002)):
            said = processes.reprise(
                *("up", "--detach", "--seed-ports", "--feed", "simulated", "--port", port, "--data", data),
                timeout=TIMEOUT_S,
            )
        stack.callback(processes.reprise, "down", "--data", data, timeout=TIMEOUT_S)
        assert said.returncode == 0, said.stdout + said.stderr
        instance = Folder(data).read()
        assert instance is not None
        settings = settings_of(Settings(), instance).model_copy(update={"engine_port": instance.engine_ports[0]})
        market = Market(settings, data, {})
        stack.callback(market.close)
        # From here on the test's own prices count, and those of the instance's feed are refused.
        market.new_feed()
        for symbol, ask in zip(SYMBOLS, ("50000.0", "2000.00", "150.00"), strict=True):
            market.at(symbol, ask)
        stack.enter_context(kept_alive(market, SYMBOLS))
        yield market, said.stdout


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
def test_a_taken_port_is_named_and_the_others_are_served(started: tuple[Market, str]) -> None:
    _, said = started
    assert "Port 3002 is taken by another program" in said
    for port in (3001, 3005, 4000):
        assert f"http://127.0.0.1:{port}" in said
        assert httpx.get(f"http://127.0.0.1:{port}/health").json()["status"] == "ok"


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("number", SEEDS)
def test_a_readme_works_at_its_own_address(number: str, started: tuple[Market, str]) -> None:
    market, _ = started
    market.url = f"http://127.0.0.1:{seed(number).port}"
    run_readme(market, number)


@pytest.mark.slow
def test_the_documents_of_both_interfaces_are_there(started: tuple[Market, str]) -> None:
    market, _ = started
    for path in ("/openapi.json", "/api/compat/openapi.json"):
        assert json.loads(market.http.get(path).text)["paths"]
