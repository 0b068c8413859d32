"""`backpack-server` as a process, and where its recording cannot be played."""

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from market_data.backpack_server import BackpackServer
from market_data.bars import Walk
from market_data.clock import SystemClock
from market_data.recording import Recording
from runtime.python import reprise_command
from stack.ports import free_ports
from tests.market_data.fake_clock import REAL_QUOTES


@pytest.mark.parametrize("whole", [True, False])
def test_the_backpack_server_command_says_in_one_line_which_line_it_cannot_play(tmp_path: Path, whole: bool) -> None:
    file = tmp_path / "a.jsonl"
    line = REAL_QUOTES.read_text().splitlines()[0]
    file.write_text(line + "\n" + line.replace('"b":"39432.99"', '"b":"abc"') + "\n" * whole)
    command = reprise_command("backpack-server", "--file", str(file), "--port", "0")
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"reprise: {file}, line 2: not a Backpack envelope: its bid 'abc' is not a decimal number.\n"
    )


def test_the_backpack_server_ends_where_its_recording_cannot_be_read_any_further(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = REAL_QUOTES.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:20], "broken\n", lines[20]]))

    async def failure() -> str:
        recording = Recording(file, Walk(2, None), checked_max=10)
        async with (
            BackpackServer(recording, None, "127.0.0.1", 0, SystemClock()) as server,
            connect(server.url, proxy=None) as client,
            asyncio.timeout(30),
        ):
            await client.send('{"method":"SUBSCRIBE","params":["bookTicker.BTC_USDC"]}')
            return await server.wait_until_failed()

    assert asyncio.run(failure()).startswith(f"{file}, line 21: not a Backpack envelope")


def test_the_backpack_server_command_plays_a_recording_and_ends_on_a_signal(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    arguments = ["backpack-server", "--file", str(REAL_QUOTES), "--speed", "max", "--port", str(port)]
    command = reprise_command(*arguments)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert f"BACKPACK_WS_URL=ws://127.0.0.1:{port}" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
