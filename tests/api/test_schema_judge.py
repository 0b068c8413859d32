"""No request the document allows or forbids meets anything but a declared answer: every check, by three callers."""

import pytest

from tests.api.exchange import Exchange
from tests.api.schema_judge import ENDING, judged, report_of
from tests.api.test_rules import administrator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("replaying")]
EXAMPLES = ("--max-examples", "20")


def test_replies_to_an_anonymous_client_conform_to_the_openapi_document(exchange: Exchange) -> None:
    run = judged(exchange, None, *EXAMPLES)
    assert run.returncode == 0, report_of(run)


def test_replies_to_a_user_conform_to_the_openapi_document(exchange: Exchange) -> None:
    run = judged(exchange, exchange.new_user().token, *EXAMPLES)
    assert run.returncode == 0, report_of(run)


def test_replies_to_a_user_with_positions_and_orders_conform_to_the_openapi_document(exchange: Exchange) -> None:
    user = exchange.new_user()
    open_one, closed_one = user.opened(margin="10"), user.opened(margin="10", client_order_id="mine")
    receipt = user.close(closed_one["position_id"]).json()["receipt_id"]
    for position_id in (open_one["position_id"], closed_one["position_id"]):
        named = {
            "path.position_id": position_id,
            "path.order_id": closed_one["order_id"],
            "path.command_id": closed_one["command_id"],
            "path.event_id": receipt,
            "query.client_order_id": "mine",
        }
        run = judged(exchange, user.token, *EXAMPLES, parameters=named)
        assert run.returncode == 0, report_of(run)


@pytest.mark.parametrize("operation", ENDING)
def test_replies_of_operations_that_end_a_session_conform_to_the_openapi_document(
    exchange: Exchange, operation: str
) -> None:
    run = judged(exchange, exchange.new_user().token, *EXAMPLES, only=operation)
    assert run.returncode == 0, report_of(run)


def test_replies_to_an_administrator_conform_to_the_openapi_document(exchange: Exchange) -> None:
    """Last: markets are halted and instruments changed by it."""
    run = judged(exchange, administrator(exchange).token, *EXAMPLES)
    assert run.returncode == 0, report_of(run)
