"""Another user of the machine gets nothing from an instance that runs: no row, no record, no file, no secret."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from psycopg import sql

from schemas.topics import COMMANDS, TICKS
from stack import supervisor
from stack.instance import Instance, InstanceFolder
from stack.passwords import passwords_of
from stack.ports import LOOPBACK, free_ports
from stack.postgres_roles import AUDIT, CONNECTIONS, ROLES, SUPERUSER
from tests.house.project import text_of
from tests.processes import reprise
from tests.security.another_user import ANOTHER_ID, AS_ROOT, NOBODY_ID, as_another_user

pytestmark = [pytest.mark.timeout(600), AS_ROOT]
START_S = 300
USERS = (ANOTHER_ID, NOBODY_ID)
SECRETS = ("secrets.env", "passwords.env")


@pytest.fixture(scope="module", params=[pytest.param("as it is", marks=pytest.mark.slow), "open"])
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstanceFolder]:
    """An instance that runs; where it is open, its broker gives prices to whoever asks."""
    # Within a folder that others may enter: what keeps them out is the instance's own.
    shared = tmp_path_factory.mktemp("shared")
    for above in (shared, *shared.parents[:3]):
        above.chmod(above.stat().st_mode | 0o055)
    folder, (port,) = InstanceFolder(shared / "instance"), free_ports(1)
    options = ("--open-broker",) if request.param == "open" else ()
    try:
        said = reprise(
            *("up", "--detach", "--data", folder.data, "--port", port, "--feed", "simulated", *options),
            timeout=START_S,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        yield folder
    finally:
        supervisor.stop(folder, print)


@pytest.fixture
def described(instance: InstanceFolder) -> Instance:
    found = instance.read()
    assert found is not None
    return found


def programs(folder: InstanceFolder) -> list[psutil.Process]:
    """Every process of the instance, its database's own among them."""
    found = supervisor.orphans(folder)
    return [*found, *(child for process in found for child in process.children(recursive=True))]


def secrets_of(folder: InstanceFolder) -> set[str]:
    """Every secret and password that the instance has."""
    found = set()
    for name in SECRETS:
        lines = (folder.data / name).read_text(encoding="utf-8").splitlines()
        found |= {line.partition("=")[2] for line in lines}
    for file in folder.secrets_of_programs.iterdir():
        given = json.loads(file.read_bytes())
        found |= {value for name, value in given.items() if re.search("SECRET$|PASSWORD$|KEY$", name)}
    return {secret for secret in found if len(secret) > 10}


@pytest.mark.parametrize("user", USERS)
def test_another_user_reads_no_file_of_the_instance(instance: InstanceFolder, user: int) -> None:
    files = [path for path in instance.data.rglob("*") if path.is_file()]
    # By way of its process, a server's folder is reached past the folders above.
    files += [Path(f"/proc/{process.pid}/cwd/PG_VERSION") for process in programs(instance)]
    assert len(files) > 100

    def opened() -> list[str]:
        read = []
        for path in files:
            try:
                with path.open("rb") as file:
                    file.read(1)
                read.append(path.name)
            except (PermissionError, FileNotFoundError):
                pass
        return read

    assert {name for name in as_another_user(opened, user) if name not in {"up.lock", "supervisord.pid"}} == set()


def test_every_file_with_a_secret_is_in_the_table_of_the_operations_page(instance: InstanceFolder) -> None:
    section = text_of("docs/operations.md").partition("## Who may do what at the servers")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))
    secrets = [secret.encode() for secret in secrets_of(instance)]
    files = [path for path in instance.data.rglob("*") if path.is_file() and instance.postgres not in path.parents]
    found = {path.relative_to(instance.data) for path in files if any(each in path.read_bytes() for each in secrets)}
    assert len(found) > 8
    named = {str(path) if path.parent.name != "secrets" else "secrets/NAME.json" for path in found}
    assert named == documented - {".env"}


def test_the_role_of_postgres_reader_conf_reads_the_ledger_and_neither_users_nor_writes(
    instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oct(instance.database_reader.stat().st_mode & 0o777) == "0o600"
    monkeypatch.setenv("PGSERVICEFILE", str(instance.database_reader))
    with psycopg.connect("service=reprise", autocommit=True) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("reprise_audit",)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'").fetchall()
        assert len(tables) > 15
        for (table,) in tables:
            connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier("ledger", table)))
        for refused in (
            "SELECT * FROM auth.users",
            "SELECT email FROM auth.users",
            "SELECT password_hash FROM auth.users",
            "SELECT * FROM auth.api_keys",
            "DELETE FROM ledger.accounts",
            "UPDATE ledger.accounts SET cash = 1",
            "INSERT INTO ledger.feed SELECT * FROM ledger.feed",
            "CREATE TABLE ledger.mine (id int)",
            "CREATE TABLE public.mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)


def test_a_reader_that_takes_all_its_connections_and_another_password_is_not_in_the_way_of_audit_verify(
    instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(instance.database_reader))
    with ExitStack() as held:
        readers = [held.enter_context(psycopg.connect("service=reprise")) for _ in range(CONNECTIONS[AUDIT])]
        readers[0].autocommit = True
        readers[0].execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
        try:
            verified = reprise("audit", "verify", "--data", instance.data, timeout=START_S)
        finally:
            restored = sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(sql.Literal(passwords_of(instance)[AUDIT]))
            readers[0].execute(restored)
    assert "All that was compared agrees" in verified.stdout, verified.stdout + verified.stderr
    psycopg.connect("service=reprise").close()


@pytest.mark.parametrize("user", USERS)
def test_another_user_reads_no_environment_and_no_secret_stands_in_one_or_on_a_command_line(
    instance: InstanceFolder, user: int
) -> None:
    running = programs(instance)
    assert len(running) > 10

    def environments() -> list[int]:
        read = []
        for process in running:
            try:
                Path(f"/proc/{process.pid}/environ").read_bytes()
                read.append(process.pid)
            except (PermissionError, ProcessLookupError, FileNotFoundError):
                pass
        return read

    assert as_another_user(environments, user) == []
    secrets = secrets_of(instance)
    assert len(secrets) > 10
    for process in running:
        try:
            text = "\0".join(process.cmdline()) + "\0".join(process.environ().values())
        except psutil.NoSuchProcess:  # A connection of the database that is over.
            continue
        assert not [secret for secret in secrets if secret in text], process.pid


def test_a_service_has_the_secrets_of_its_work_and_no_other(instance: InstanceFolder) -> None:
    given = {file.stem: set(json.loads(file.read_bytes())) for file in instance.secrets_of_programs.iterdir()}
    signing, sealing, replaying = ("JWT_SECRET", "ENCRYPTION_KEY", "REPLAY_SECRET")
    assert {name for name, has in given.items() if signing in has} == {"api"}
    assert {name for name, has in given.items() if sealing in has} == {"api", "venue"}
    assert {name for name, has in given.items() if replaying in has} == {"api", "replay"}
    assert {name for name, has in given.items() if "DATABASE_URL" in has} == {"api", "backfill", "projector", "venue"}
    passwords = [
        json.loads(file.read_bytes())["KAFKA_SASL_PASSWORD"] for file in instance.secrets_of_programs.iterdir()
    ]
    assert len(passwords) == len(set(passwords)) == 7


@pytest.mark.parametrize("role", [SUPERUSER, *ROLES, "nobody"])
def test_another_user_gets_into_the_database_under_no_name(described: Instance, role: str) -> None:
    def tried() -> str:
        try:
            psycopg.connect(
                f"host={LOOPBACK} port={described.postgres_port} user={role} dbname=reprise password=guessed"
            )
        except psycopg.OperationalError as refused:
            return str(refused)
        return "let in"

    assert re.search("authentication failed|rejects connection", as_another_user(tried))


def test_another_user_writes_no_command_and_reads_none(described: Instance) -> None:
    def tried() -> list[str]:
        producer = Producer(
            {"bootstrap.servers": described.kafka_brokers, "delivery.timeout.ms": 4_000, "log_level": 0}
        )
        outcomes: list[str] = []
        producer.produce(COMMANDS, b"x", partition=0, on_delivery=lambda error, _: outcomes.append(str(error)))
        producer.flush(10)
        consumer = Consumer({"bootstrap.servers": described.kafka_brokers, "group.id": "engine", "log_level": 0})
        try:
            consumer.list_topics(timeout=4)
            outcomes.append("let in")
        except KafkaException as refused:
            outcomes.append(str(refused))
        return outcomes

    written, listed = as_another_user(tried)
    assert written != "None"
    assert "let in" not in listed


def test_an_open_broker_gives_prices_and_takes_and_shows_nothing_else(described: Instance) -> None:
    if described.open_port is None:
        with socket.socket() as probe:
            assert probe.connect_ex((LOOPBACK, described.kafka_port or 0)) == 0
        return
    brokers = f"{LOOPBACK}:{described.open_port}"

    def tried() -> tuple[list[str], set[str], list[int | None]]:
        consumer = Consumer(
            {"bootstrap.servers": brokers, "group.id": "a-seed-s", "auto.offset.reset": "earliest", "log_level": 0}
        )
        topics = sorted(consumer.list_topics(timeout=10).topics)
        consumer.assign([TopicPartition(topic, shard, 0) for topic in (TICKS, COMMANDS) for shard in range(4)])
        read = set()
        for _ in range(40):
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                read.add(str(message.topic()))
        producer = Producer({"bootstrap.servers": brokers, "delivery.timeout.ms": 4_000, "log_level": 0})
        codes: list[int | None] = []

        def delivered(error: KafkaError | None, _: object) -> None:
            codes.append(None if error is None else error.code())

        for topic in (COMMANDS, TICKS):
            producer.produce(topic, b"x", partition=0, on_delivery=delivered)
        producer.flush(10)
        return topics, read, codes

    topics, read, codes = as_another_user(tried)
    assert topics == [TICKS]
    assert read == {TICKS}
    assert len(codes) == 2
    assert None not in codes


def test_another_user_joins_no_group_that_programs_with_a_password_keep_to_themselves(described: Instance) -> None:
    if described.open_kafka_port is None:
        return  # Nobody gets in at all.
    brokers = f"{LOOPBACK}:{described.open_kafka_port}"

    def tried() -> list[str]:
        outcomes = []
        for group in ("reprise-downstream", "a-seed-s"):
            consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "log_level": 0})
            try:
                consumer.commit(offsets=[TopicPartition(TICKS, 0, 1)], asynchronous=False)
                outcomes.append("committed")
            except KafkaException as refused:
                outcomes.append(str(refused.args[0].name()))
            consumer.close()
        return outcomes

    closed, open_to_all = as_another_user(tried)
    assert open_to_all == "committed"
    assert closed != "committed"


@pytest.mark.parametrize("role", ["reprise_audit", "reprise_venue", "reprise_api"])
def test_a_role_stores_no_large_object(instance: InstanceFolder, described: Instance, role: str) -> None:
    password = passwords_of(instance)[role]
    place = f"host={LOOPBACK} port={described.postgres_port} user={role} dbname=reprise password={password}"
    with psycopg.connect(place) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("SELECT lo_creat(-1)")


def test_the_folders_of_the_broker_the_logs_and_the_database_are_their_owner_s_alone(instance: InstanceFolder) -> None:
    for folder in (instance.kafka, instance.logs, instance.postgres, instance.secrets_of_programs):
        assert oct(folder.stat().st_mode & 0o777) == "0o700", folder
    assert instance.data.stat().st_uid == os.geteuid()
