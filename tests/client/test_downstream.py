"""The program in docs/events.md, run as printed and killed three times, prints each fill and liquidation once."""

import random
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from schemas.events import PositionClosed, PositionOpened, PositionReduced
from stack.foreground import ending_with_parent
from tests.api.seeds.market import Person
from tests.api.seeds.running import running_market
from tests.client.log_writer import LogWriter
from tests.conftest import SettingsFactory
from tests.processes import eventually
from tests.projector.streams import Exchange, busy_exchange

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = "downstream.py"
KILLS: Final = 3
EVENTS_PER_TRANSACTION: Final = 10


def expected_lines(exchange: Exchange) -> list[str]:
    """Give what must be printed, without the offsets."""
    return sorted(
        f"{shard} {'liquidation' if getattr(event, 'reason', None) == 'liquidation' else 'fill'} of "
        f"{event.position_id} {event.symbol} {event.side}: {event.quantity} lots at {event.price} ticks"
        for shard, events in enumerate(exchange.events)
        for event in events
        if isinstance(event, PositionOpened | PositionReduced | PositionClosed)
    )


def printed_lines(output: Path) -> list[str]:
    """Give the whole lines there are, without the offsets."""
    text = output.read_text(encoding="utf-8") if output.exists() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return sorted(re.sub(r"^(\d+) \d+ ", r"\1 ", line) for line in whole)


def start(folder: Path, brokers: str, output: Path, avro: str = "schemas/avro") -> subprocess.Popen[bytes]:
    """Run the program as a user without our checkout: with the Avro files of the client's wheel."""
    if not (folder / PROGRAM).exists():
        shutil.copy(ROOT / "examples" / PROGRAM, folder)
        shutil.copytree(ROOT / "clients" / "python" / "src" / "reprise_client" / "schemas", folder / "schemas")
    login = folder / "kafka.properties"
    login.write_text(f"bootstrap.servers={brokers}\n", encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, PROGRAM, str(login), str(output), avro],
        cwd=folder,
        preexec_fn=ending_with_parent,  # noqa: PLW1509  # It takes no lock that another thread could hold.
    )


def test_the_downstream_program_is_printed_in_the_document_and_short() -> None:
    document = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    program = (ROOT / "examples" / PROGRAM).read_text(encoding="utf-8")
    assert f"```python\n{program}```" in document
    assert len(program.splitlines()) <= 30
    assert set(re.findall(r"^(?:from|import) (\w+)", program, re.MULTILINE)) == {
        "sys",
        "io",
        "pathlib",
        "confluent_kafka",
        "fastavro",
    }


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_the_downstream_program_killed_three_times_prints_each_fill_and_liquidation_once(
    settings: SettingsFactory, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    made = settings(shards=4)
    exchange = busy_exchange(seed=seed, accounts=20, rounds=60, orders=4)
    expected = expected_lines(exchange)
    assert any(" liquidation of " in line for line in expected)
    assert len(expected) > 100
    output = tmp_path / "fills.txt"

    def write(shard: int) -> None:
        writer = LogWriter(made, f"test-events-{shard}")
        writer.write(shard, exchange.values[shard], at_once=EVENTS_PER_TRANSACTION, pause_s=0.1)

    writers = [threading.Thread(target=write, args=(shard,), daemon=True) for shard in range(made.shards)]
    for writer in writers:
        writer.start()
    kills_while_printing = 0
    for _ in range(KILLS):
        before = len(printed_lines(output))
        running = start(tmp_path, made.kafka_brokers, output)
        if before < len(expected):
            eventually(lambda: len(printed_lines(output)), before.__lt__, 20)
        time.sleep(dice.uniform(0.0, 0.3))
        running.kill()
        assert running.wait(10) == -9, "it ran until it was killed"
        kills_while_printing += before < len(printed_lines(output)) < len(expected)
    for writer in writers:
        writer.join(60)
    with output.open("ab") as torn:
        torn.write(b"3 7 fi")  # What a kill in the middle of a write leaves.
    running = start(tmp_path, made.kafka_brokers, output)
    try:
        eventually(lambda: len(printed_lines(output)), lambda count: count >= len(expected), 30)
        time.sleep(0.5)  # Whatever would come twice comes now.
        assert running.poll() is None
    finally:
        running.kill()
        running.wait(10)
    assert printed_lines(output) == expected
    assert kills_while_printing >= 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_downstream_program_prints_an_engine_s_fills_and_liquidations_as_in_the_tables(
    kafka: str, postgres: str, tmp_path: Path
) -> None:
    """It runs from before the first order, is killed while they come, and goes on."""
    output = tmp_path / "fills.txt"
    with running_market(kafka, postgres, tmp_path) as market:
        people = [Person(market) for _ in range(3)]
        for number, person in enumerate(people):
            running = start(tmp_path, kafka, output)
            before = len(printed_lines(output))
            market.at("SOL_USDC", "150.00")
            body = {"asset": "SOL", "margin": 1000, "leverage": 10}
            closed = person.post("/api/v1/positions/open", 201, type="long", **body)["positionId"]
            person.post("/api/v1/positions/open", 201, type="long", **body)
            person.post("/api/v1/positions/close", positionId=closed)
            market.at("SOL_USDC", "134.00")
            eventually(person.figures, lambda figures: figures.open == 0)
            # The last one runs until it has said everything, the others end in the middle.
            wanted = 4 * len(people) if number == len(people) - 1 else before + 1
            eventually(lambda: len(printed_lines(output)), wanted.__le__, 60)
            running.kill()
            running.wait(10)
        fills = [fill for person in people for fill in market.fills(person.account_id)]
    expected = sorted(
        f"{fill.event_id.partition('-')[0]} {'liquidation' if fill.reason == 'liquidation' else 'fill'} of "
        f"{fill.position_id} {fill.symbol} {fill.side}: {fill.quantity} lots at {fill.price} ticks"
        for fill in fills
    )
    assert len(expected) == 4 * len(people)
    assert sum(" liquidation of " in line for line in expected) == len(people)
    assert printed_lines(output) == expected
