"""The TypeScript client against a running exchange, over a way that loses answers and connections."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.api.exchange import Exchange, Service
from tests.api.lossy_link import LossyLink, controlled
from tests.client.typescript import CLIENT, node, run_node_tests

README_URL: Final = "http://127.0.0.1:8000"
pytestmark = pytest.mark.timeout(900)


class Controlled(NamedTuple):
    """An exchange behind a lossy link. control: where that is asked to do something."""

    link: LossyLink
    control: str

    def run(self, file: str) -> int:
        url = f"http://127.0.0.1:{self.link.port}"
        return run_node_tests(file, environment={"EXCHANGE_URL": url, "CONTROL_URL": self.control})


@pytest.fixture
def behind_a_link(exchange: Exchange) -> Iterator[Controlled]:
    api = exchange.services["api"]
    assert isinstance(api, Service)

    def lose() -> None:
        link.orders_to_lose = 2

    def restart() -> None:
        api.restart()
        exchange.until_ready(api)

    with closing(LossyLink(exchange.settings.port)) as link:
        deeds = {"lose": lose, "cut": link.cut, "kill": api.kill, "restart": restart}
        with controlled(deeds) as control:
            yield Controlled(link, control)


def test_the_typescript_client_trades_signs_and_follows_each_event_once_over_a_lossy_link(
    behind_a_link: Controlled,
) -> None:
    assert behind_a_link.run("tests/exchange.test.ts") == 10
    assert behind_a_link.link.lost == 2


def test_the_program_in_the_readme_of_the_typescript_client_runs(exchange: Exchange, tmp_path: Path) -> None:
    found = re.search(r"```ts\n(.*?)```", (CLIENT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    program = found[1].replace('"reprise-client"', f'"{(CLIENT / "src" / "index.ts").as_uri()}"')
    assert program.count(README_URL) == 1
    (tmp_path / "program.ts").write_text(program.replace(README_URL, exchange.url), encoding="utf-8")
    done = node(str(tmp_path / "program.ts"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"^PositionClosed closed at 49999\.9, returned \d+\.\d{6} USDC$", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_the_typescript_client_gets_each_order_and_each_event_once_while_the_server_is_killed(
    behind_a_link: Controlled,
) -> None:
    assert behind_a_link.run("tests/restart.test.ts") == 1
