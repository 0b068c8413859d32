"""`up --seed-ports`: the READMEs of the seeds at their own addresses, and the message about a taken port."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from cli.main import call
from runtime.settings import SEED_PORTS, Settings
from stack.instance import InstanceFolder
from stack.ports import free_ports, is_free
from stack.start import instance_settings
from tests import processes
from tests.api.conftest import kept_alive
from tests.api.seeds.entries import SEEDS
from tests.api.seeds.market import SYMBOLS, Market
from tests.api.seeds.published import run_published_requests
from tests.api.seeds.readme import run_readme
from tests.api.test_listening import has_ipv6

TIMEOUT_S = 300


def test_settings_of_the_seeds_that_reprise_ignores_are_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".env").write_text("REDIS_HOST=localhost\nPROT=1\nVITE_API=2\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    said = capsys.readouterr().out
    assert "REDIS_HOST, REDIS_URL: ignored, there is no Redis here." in said
    file = tmp_path / "x" / ".env"
    assert f"{file} has PROT, VITE_API: ignored, the exchange has no such setting (is PORT meant by PROT?)." in said


@pytest.mark.parametrize("profile", ["demo", "production"])
def test_up_prints_one_line_about_the_demo_profile_and_its_meaning(
    profile: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRISE_PROFILE", profile)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(taken.getsockname()[1])]) == 1
    said = [line for line in capsys.readouterr().out.splitlines() if "demo profile" in line]
    if profile == "production":
        assert said == []
    else:
        (line,) = said
        for part in ("play money", "seeds' interfaces", str(tmp_path / "x"), "REPRISE_PROFILE=production"):
            assert part in line


def test_the_seeds_ports_are_served_in_the_demo_profile_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRISE_PROFILE", "production")
    assert call(["up", "--seed-ports", "--data", str(tmp_path / "x")]) == 1
    assert "demo profile" in capsys.readouterr().err


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Market, str]]:
    """An instance on the seeds' ports, and the output of its start."""
    taken = [port for port in SEED_PORTS if not is_free(port)]
    assert not taken, f"what is tested here needs ports {taken}, on which a program of this machine listens"
    data = tmp_path_factory.mktemp("instance")
    with ExitStack() as stack:
        stack.callback(processes.reprise, "down", "--data", data, timeout=TIMEOUT_S)
        said = up(data, free_ports(1)[0])
        instance = InstanceFolder(data).read()
        assert instance is not None
        settings = instance_settings(Settings(), InstanceFolder(data), instance).model_copy(
            update={"engine_port": instance.engine_ports[0]}
        )
        market = Market(settings, data, {})
        stack.callback(market.close)
        # From here on the test's own prices count, and those of the instance's feed are refused.
        market.new_feed()
        for symbol, ask in zip(SYMBOLS, ("50000.0", "2000.00", "150.00"), strict=True):
            market.at(symbol, ask)
        stack.enter_context(kept_alive(market, SYMBOLS))
        yield market, said


def up(data: Path, port: int) -> str:
    """Start an instance on the seeds' ports too; the output of its start."""
    said = processes.reprise(
        *("up", "--detach", "--seed-ports", "--feed", "simulated", "--port", port, "--data", data),
        timeout=TIMEOUT_S,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
def test_each_seed_port_is_served_at_both_addresses_of_localhost(started: tuple[Market, str]) -> None:
    _, said = started
    assert "is taken by another program" not in said
    for port in SEED_PORTS:
        assert f"http://localhost:{port}" in said
        for host in ("127.0.0.1", "localhost", *(["[::1]"] if has_ipv6() else [])):
            assert httpx.get(f"http://{host}:{port}/health").json()["status"] == "ok"


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("number", SEEDS)
def test_the_requests_of_a_seed_s_readme_work_at_the_address_in_that_readme(
    number: str, started: tuple[Market, str]
) -> None:
    market, _ = started
    run_readme(market, number, lambda port: f"http://localhost:{port}")


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
def test_the_published_clients_work_at_the_ports_they_call(started: tuple[Market, str]) -> None:
    market, _ = started
    run_published_requests(market, lambda port: f"http://localhost:{port}")


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S)
def test_a_seed_s_port_has_that_seed_s_assets_and_errors(started: tuple[Market, str]) -> None:
    assert started
    whole = ["BTC_USDC", "ETH_USDC", "SOL_USDC"]
    assert httpx.get("http://localhost:3005/api/v1/supportedAssets").json() == whole
    assert len(httpx.get("http://localhost:4000/api/v1/supportedAssets").json()["assets"]) == len(whole)
    for port in SEED_PORTS:
        said = httpx.get(f"http://localhost:{port}/nowhere").json()
        assert said["error"] == said["message"] == "There is nothing at /nowhere"


@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
def test_a_taken_seed_port_is_named_and_the_other_ports_are_served(started: tuple[Market, str], tmp_path: Path) -> None:
    """The other program is the first instance, which has all of them."""
    assert started
    (port,) = free_ports(1)
    try:
        said = up(tmp_path / "second", port)
        for taken in SEED_PORTS:
            assert f"Port {taken} is taken by another program" in said
            assert f"http://localhost:{taken}" not in said
        assert httpx.get(f"http://localhost:{port}/health").json()["status"] == "ok"
    finally:
        processes.reprise("down", "--data", tmp_path / "second", timeout=TIMEOUT_S)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_is_taken_if_another_program_listens_on_one_of_its_addresses(family: socket.AddressFamily) -> None:
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no ::1")
    (port,) = free_ports(1)
    assert is_free(port)
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((host, port), family=family):
        assert not is_free(port)


@pytest.mark.slow
def test_the_openapi_documents_of_both_interfaces_are_served(started: tuple[Market, str]) -> None:
    market, _ = started
    for path in ("/openapi.json", "/api/compat/openapi.json"):
        assert json.loads(market.http.get(path).text)["paths"]
