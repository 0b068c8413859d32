"""Under version 1 of the rules many commands close all positions: their key is used for no order all the same."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from tests.activating import older_program
from tests.api.conftest import kept_alive, settings_of
from tests.api.exchange import Exchange
from tests.conftest import empty_topics, new_database
from tests.processes import ServiceProcess, gone_at_the_end
from tests.security.racing import at_once
from tests.shared_exchange import begin

ROUNDS = 8
PROGRAMS = {"engine": "engine.shell.main", "projector": "projector.main", "api": "api.main"}


@pytest.fixture(scope="module")
def older(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """An exchange under version 1 of the rules, of servers of its own."""
    folder = tmp_path_factory.mktemp("older")
    with ExitStack() as stack:
        settings = settings_of(kafka, stack.enter_context(new_database(postgres)), folder)
        empty_topics(settings)
        running = Exchange(settings, folder)
        stack.callback(running.close)
        running.services = {
            name: stack.enter_context(
                gone_at_the_end(ServiceProcess(name, settings, folder / f"{name}.log", older_program(main)))
            )
            for name, main in PROGRAMS.items()
        }
        running.until_ready(running.services["api"])
        stack.enter_context(kept_alive(running))
        begin(running)
        yield running


def test_an_order_and_a_close_all_at_once_under_one_key_are_not_both_executed(older: Exchange) -> None:
    user = older.new_user()
    for _ in range(ROUNDS):
        older.confirmed_price("BTC_USDC", "49999.9", "50000.0")  # On a busy machine the last one may be too old.
        older.until_fresh("BTC_USDC", "49999.9")
        position_id = user.opened(margin="10")["position_id"]
        key = {"Idempotency-Key": uuid4().hex}
        order, everything = at_once(
            [
                lambda: user.order(headers=key, margin="10"),  # noqa: B023  # Awaited in this round.
                lambda: user.http.post("/positions/close-all", headers=key),  # noqa: B023
            ]
        )
        taken = [reply for reply in (order, everything) if reply.status_code < 300]
        assert len(taken) == 1, [order.text, everything.text]
        refused = order if taken == [everything] else everything
        assert refused.json()["code"] in {"COMMAND_ID_REUSED", "KEY_IN_USE"}
        is_closed = user.get(f"/positions/{position_id}")["status"] == "closed"
        assert is_closed == (taken == [everything])
        # The same request again is answered as the first time.
        again = user.http.post("/positions/close-all", headers=key)
        assert (again.status_code < 300) == (taken == [everything]), again.text
        user.http.post("/positions/close-all")
