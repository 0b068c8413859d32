"""The ports of an instance: the requested port, else the usual one where it is free."""

import os
from pathlib import Path

import pytest

from cli.main import call
from runtime.errors import FixableError
from runtime.kafka_security import require_brokers
from runtime.settings import SEED_PORTS, Settings
from stack.feed_choice import FeedChoice
from stack.instance import Instance
from stack.plan import StartOptions, open_broker_notice, plan
from stack.ports import PortClaims, free_ports, is_free
from stack.postgres_roles import ROLES

FEED = FeedChoice("simulated", "1", loop=False, spread_bps=2, change=False)
BROKERS = "a.example:9092"


@pytest.fixture(autouse=True)
def _no_other_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Other starts on this machine claim their ports in a file of its folder for such."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def options(port: int = 8000, *, seed_ports: bool = False, open_broker: bool = False) -> StartOptions:
    return StartOptions(
        Path(), port, 1, 1, standby=False, seed_ports=seed_ports, open_broker=open_broker, detach=True, feed=FEED
    )


def only_taken(monkeypatch: pytest.MonkeyPatch, *taken: int) -> None:
    """A machine on which these ports have a server, and every other is free."""
    for module in ("ports", "plan", "checks"):
        monkeypatch.setattr(f"stack.{module}.is_free", lambda port: port not in taken)


@pytest.mark.parametrize(
    ("arguments", "variable", "port"),
    [
        ([], None, 8000),
        ([], "3001", 3001),
        (["--port", "4444"], None, 4444),
        (["--port", "4444"], "3001", 4444),
    ],
)
def test_the_port_is_taken_from_the_command_line_or_the_variable_or_is_8000(
    arguments: list[str],
    variable: str | None,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    if variable is not None:
        monkeypatch.setenv("PORT", variable)
    only_taken(monkeypatch, port)
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), *arguments]) == 1
    assert f"Port {port} is taken. Name another with --port." in capsys.readouterr().err


def test_the_broker_uses_port_9092_if_free_and_another_port_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    only_taken(monkeypatch)
    free = planned(Settings())
    assert (free.kafka_port, free.kafka_brokers) == (9092, "127.0.0.1:9092")
    only_taken(monkeypatch, 9092)
    taken = planned(Settings())
    assert taken.kafka_port not in (None, 9092)
    assert taken.kafka_brokers == f"127.0.0.1:{taken.kafka_port}"


def test_a_configured_broker_is_used_and_no_broker_is_started() -> None:
    named = planned(Settings.model_validate({"kafka_brokers": BROKERS}))
    assert (named.kafka_port, named.kafka_brokers) == (None, BROKERS)


@pytest.mark.parametrize(
    ("port", "taken", "listens"),
    [
        (8000, (), [*SEED_PORTS]),
        (8000, (3002, 4000), [3001, 3005]),
        # As the `.env` of seed 003 has it.
        (3001, (), [3002, 3005, 4000]),
    ],
)
def test_the_api_listens_on_the_free_ports_of_the_seeds_except_its_own(
    port: int, taken: tuple[int, ...], listens: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_taken(monkeypatch, *taken)
    assert planned(Settings(), options(port, seed_ports=True)).seed_ports == listens
    assert planned(Settings(), options(port)).seed_ports == []


def test_the_broker_keeps_its_port_at_every_start_and_a_start_without_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    only_taken(monkeypatch, 9092)
    first = planned(Settings())
    assert first.kafka_port not in (None, 9092)
    only_taken(monkeypatch)
    assert planned(Settings(), previous=first).kafka_port == first.kafka_port
    assert first.kafka_port is not None
    only_taken(monkeypatch, first.kafka_port)
    with pytest.raises(FixableError, match=f"Port {first.kafka_port}, which this instance's Kafka has had"):
        planned(Settings(), previous=first)
    assert planned(Settings(kafka_port=19_092), previous=first).kafka_port == 19_092


def test_an_open_broker_leaves_the_login_its_port_and_keeps_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    only_taken(monkeypatch)
    first = planned(Settings())
    opened = planned(Settings(), options(open_broker=True), first)
    closed = planned(Settings(), previous=opened)
    again = planned(Settings(), options(open_broker=True), closed)
    assert [each.kafka_port for each in (first, opened, closed, again)] == [9092] * 4
    assert {each.kafka_brokers for each in (first, opened, closed, again)} == {"127.0.0.1:9092"}
    assert first.open_port is None
    assert opened.open_port not in (None, 9092)
    assert (closed.open_port, closed.open_kafka_port, again.open_port) == (None, opened.open_port, opened.open_port)
    assert opened.open_port is not None
    only_taken(monkeypatch, opened.open_port)
    assert planned(Settings(), options(open_broker=True), closed).open_port not in (None, opened.open_port)


def test_an_instance_that_begins_with_an_open_broker_has_it_at_9092_and_the_login_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    only_taken(monkeypatch)
    first = planned(Settings(), options(open_broker=True))
    assert first.open_port == 9092
    assert first.kafka_port not in (None, 9092)
    closed = planned(Settings(), previous=first)
    assert (closed.kafka_port, closed.open_port) == (first.kafka_port, None)
    assert planned(Settings(), options(open_broker=True), closed).open_port == 9092
    named = planned(Settings(kafka_port=9092), options(open_broker=True))
    assert named.kafka_port == 9092
    assert named.open_port not in (None, 9092)


def test_up_says_the_address_that_consumers_of_the_seeds_need_where_it_is_not_theirs() -> None:
    assert open_broker_notice(9092).endswith("at 127.0.0.1:9092, without a password")
    assert open_broker_notice(40_001).endswith("look at 9092: give them 127.0.0.1:40001")


def test_a_taken_port_of_the_setting_for_the_broker_is_refused_with_every_other_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only_taken(monkeypatch, 8123, 19_092)
    for name, value in (
        ("REPRISE_PROFILE", "production"),
        ("KAFKA_PORT", "19092"),
        ("ENGINE_PORT", "x"),
        ("JWT_SECRET", "short"),
    ):
        monkeypatch.setenv(name, value)
    wrong = ["--workers", "65", "--speed", "fast", "--feed", "simulated", "--seed-ports"]
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", "8123", *wrong]) == 1
    said = capsys.readouterr().err
    for mistake in (
        "Port 8123 is taken",
        "Port 19092, which KAFKA_PORT names, is taken",
        "ENGINE_PORT=x is wrong",
        "JWT_SECRET has 5 bytes",
        "The production profile makes up no secrets: set ENCRYPTION_KEY.",
        "--workers is a number from 1 to 64",
        "The speed 'fast' is neither `max` nor a number above 0",
        "The production profile trades on no invented prices",
        "The seeds' interfaces are of the demo profile",
    ):
        assert said.count(mistake) == 1, (mistake, said)
    assert said.count("\n") == 9, said
    assert not (tmp_path / "x" / "kafka").exists()


def test_settings_of_brokers_that_are_not_named_are_refused_and_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    for name, value in (("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"), ("KAFKA_SASL_PASSWORD", "a-secret-of-theirs")):
        monkeypatch.setenv(name, value)
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(free_ports(1)[0])]) == 1
    said = capsys.readouterr().err
    assert "KAFKA_SASL_PASSWORD and KAFKA_SECURITY_PROTOCOL are for brokers that KAFKA_BROKERS names" in said
    assert "a-secret-of-theirs" not in said
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    monkeypatch.delenv("KAFKA_SASL_PASSWORD")
    require_brokers(Settings())


def test_an_address_that_is_not_of_this_machine_is_refused_before_any_process_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_HOST", "192.0.2.1")
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), "--port", str(free_ports(1)[0])]) == 1
    assert "The API cannot listen on" in (said := capsys.readouterr().err)
    assert "API_HOST=192.0.2.1" in said


def planned(settings: Settings, asked: StartOptions | None = None, previous: Instance | None = None) -> Instance:
    with PortClaims() as claims:
        return plan(settings, asked or options(), claims, previous, dict.fromkeys(ROLES, "password"))


def test_more_workers_than_shards_are_refused_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = free_ports(1)
    assert call(["up", "--data", str(tmp_path / "x"), "--port", str(port), "--workers", "5"]) == 1
    said = capsys.readouterr().err
    assert "--workers is 5, and the ledger has 4 shards: an engine without one has no work. Say --workers 4" in said
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user needs root")
def test_a_claim_of_ports_by_another_user_s_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / f"reprise-ports-{os.geteuid()}.lock"
    file.touch()
    os.chown(file, 54_321, 54_321)
    with pytest.raises(FixableError, match="is another user's, who may keep ports from you"):
        PortClaims()


def test_pages_at_an_address_that_the_machine_does_not_have_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = free_ports(1)
    for name in ("ENGINE_HOST", "REPLAY_HOST"):
        monkeypatch.setenv(name, "192.0.2.1")  # An address of documentation, which no machine has.
    assert call(["up", "--data", str(tmp_path / "x"), "--port", str(port)]) == 1
    said = capsys.readouterr().err
    for name in ("ENGINE_HOST", "REPLAY_HOST"):
        assert f"No pages can be served at {name}=192.0.2.1: Cannot assign requested address." in said


def test_free_ports_differ_and_are_none_that_the_kernel_gives_connections() -> None:
    ports = free_ports(200)
    assert len(set(ports)) == 200
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < first
    assert all(is_free(port) for port in ports)
