"""Where the log's clock and the API's differ, closing goes on, and refusal and readiness name the difference."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from schemas.ids import broadcast_id
from stack.ports import free_ports
from tests.api.exchange import Exchange
from tests.api.test_rules import administrator
from tests.processes import ServiceProcess, eventually, gone_at_the_end

API_WITH_ANOTHER_CLOCK = """
import time
right = time.time_ns
time.time_ns = lambda: right() + {seconds} * 10**9
from api.main import main
from runtime.settings import Settings
main(Settings())
"""


@pytest.fixture(
    params=[-15, *(pytest.param(seconds, marks=pytest.mark.slow) for seconds in (-400, 400))],
    ids=lambda seconds: f"{seconds} s",
)
def off(request: pytest.FixtureRequest, exchange: Exchange, tmp_path: Path) -> Iterator[tuple[Exchange, int]]:
    """Another API of the exchange, whose clock is so many seconds ahead of the broker's."""
    (port,) = free_ports(1)
    settings = exchange.settings.model_copy(update={"port": port})
    code = API_WITH_ANOTHER_CLOCK.format(seconds=request.param)
    with ExitStack() as stack:
        process = ServiceProcess("api", settings, tmp_path / f"api-{uuid4().hex[:6]}.log", code)
        stack.enter_context(gone_at_the_end(process))
        other = Exchange(settings, tmp_path)
        stack.callback(other.close)
        eventually(other.readiness, lambda seen: "clock" in seen[1], 120.0)
        yield other, request.param


def test_closing_goes_on_and_the_difference_is_named_in_the_refusal_and_on_the_readiness_page(
    off: tuple[Exchange, int], exchange: Exchange
) -> None:
    other, seconds = off
    direction = "behind" if seconds > 0 else "ahead of"
    status, text = other.readiness()
    assert status == 503
    assert f"{direction} this API's" in text
    user = exchange.new_user()
    position_id = user.opened(margin="10")["position_id"]
    same = other.user(user.email)
    refused = same.order(margin="10")
    code = "DEADLINE_TOO_FAR" if seconds > 0 else "DEADLINE_PASSED"
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert f"{direction} this API's" in refused.json()["detail"]
    closed = same.close(position_id)
    assert (closed.status_code, closed.json()["status"]) == (200, "closed"), closed.text


def test_an_administrator_mends_the_clock_of_a_running_exchange(exchange: Exchange) -> None:
    admin = administrator(exchange)
    reply = admin.http.post("/admin/clock", headers={"Idempotency-Key": "mend"})
    assert reply.status_code in (200, 202), reply.text
    name = reply.json()["name"]
    done = eventually(lambda: admin.get(f"/admin/broadcasts/{name}"), lambda seen: not seen["waiting"])
    assert done["answered"] == list(range(exchange.settings.shards))
    assert broadcast_id(name, 0) != broadcast_id(name, 1)
    again = admin.http.post("/admin/clock", headers={"Idempotency-Key": "mend"})
    assert again.json()["name"] == name
    exchange.until_fresh("BTC_USDC")
    assert exchange.new_user().opened(margin="10")["status"] == "filled"
