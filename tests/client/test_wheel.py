"""The client's wheel, built and installed where nothing else of ours is: it has the schemas, and it works."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Final

import pytest

from tests.client.log_writer import LogWriter
from tests.conftest import SettingsFactory
from tests.projector.streams import busy_exchange

ROOT: Final = Path(__file__).parents[2]
CLIENT: Final = ROOT / "clients" / "python"
LOCKED: Final = ROOT / "deploy" / "locked.py"
BUILD_TIMEOUT_S: Final = 300
SCHEMAS_ONLY: Final = """
import json, reprise_client
schemas = reprise_client.avro_schemas()
made = {name: reprise_client.json_schema(name)["title"] for name in schemas}
try:
    reprise_client.read_events
except ModuleNotFoundError as error:
    missing = error.name
print(json.dumps({"made": made, "missing": missing, "where": reprise_client.__file__}))
"""
READ_ALL: Final = """
import json, sys
from reprise_client import read_events
events = read_events(sys.argv[1], verify_digests=True, until_end=True)
print(json.dumps([[event.shard, event.type, event.fields["seq"]] for event in events]))
"""


def run(*command: object) -> str:
    """Run a program away from this project, and give what it printed."""
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, cwd="/", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def new_environment(folder: Path) -> Path:
    """The Python of a new environment that has pip and nothing else."""
    # Links, since a copied interpreter may not find its libraries.
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client is installed."""
    return new_environment(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, built by what the lock has the digests of and nothing else."""
    folder = tmp_path_factory.mktemp("build")
    builder = new_environment(folder / "environment")
    tools = folder / "build.txt"
    tools.write_text(run(sys.executable, LOCKED, "hatchling"))
    run(builder, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", tools)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    run(builder, "-m", "pip", "wheel", *options, CLIENT)
    (built,) = folder.glob("reprise_client-*.whl")
    return built


@pytest.mark.slow
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_the_wheel_is_built_installed_and_reads_a_log(
    settings: SettingsFactory, environment: Path, wheel: Path
) -> None:
    run(environment, "-m", "pip", "install", "--quiet", wheel)
    found: dict[str, Any] = json.loads(run(environment, "-c", SCHEMAS_ONLY))
    assert found["where"].startswith(str(environment.parents[1]))
    assert found["missing"] in {"confluent_kafka", "fastavro"}, "reading the log is an extra"
    assert found["made"]
    assert all(title == name for name, title in found["made"].items())

    run(environment, "-m", "pip", "install", "--quiet", f"{wheel}[events]")
    made = settings(shards=4)
    exchange = busy_exchange(seed=3, accounts=8, rounds=10, orders=4)
    writer = LogWriter(made)
    for shard, values in enumerate(exchange.values):
        writer.write(shard, values)
    read = json.loads(run(environment, "-c", READ_ALL, made.kafka_brokers))
    for shard, events in enumerate(exchange.events):
        assert [entry[1:] for entry in read if entry[0] == shard] == [
            [type(event).__name__, event.seq] for event in events
        ]


def test_the_wheel_carries_its_types_marker_and_the_license() -> None:
    assert (CLIENT / "src" / "reprise_client" / "py.typed").is_file()
    assert (CLIENT / "LICENSE").read_text() == (CLIENT.parents[1] / "LICENSE").read_text()
