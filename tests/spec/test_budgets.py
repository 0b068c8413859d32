"""Nobody is kept in: what an account's commands are counted under, and when their ids are forgotten."""

import pytest

from engine.core.memory import remembered_ids
from schemas.commands import SetAccountLimits
from schemas.events import AccountLimitsSet
from schemas.rejections import Rejection
from tests.activating import activate
from tests.spec.checks import (
    accepted,
    all_closed,
    amended,
    closed_by_hand,
    held,
    oldest_reduced,
    opened,
    reduced,
    refused,
    repeated,
)
from tests.spec.exchange import Exchange
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    Step,
    amend,
    close,
    close_all,
    deposit,
    each,
    given,
    long,
    market,
    opens_account,
    price,
    reduce,
    reduce_oldest,
    sent,
    wait,
    withdraw,
)
from tests.spec.ledger_checks import cash

pytestmark = pytest.mark.rules(2)

FULL = 600
A_LONG = (deposit(1_000), long(BTC, margin=100, at=50_000))


def limit_positions(most: int, broadcast: str = "limits-1") -> Step:
    """Broadcast how many positions an account may have open."""
    return lambda exchange: exchange.send(
        SetAccountLimits(
            command_id=exchange.new_id(), shard=exchange.state.shard, broadcast=broadcast, positions_max=most
        )
    )


def times(count: int, step: Step) -> Step:
    return each(*[step] * count)


def fresh(exchange: Exchange) -> None:
    """Hundreds of commands take their time, and a price is heard meanwhile."""
    price(BTC, 50_000)(exchange)


def test_cmd_18_a_position_closes_after_600_amendments_600_refused_closes_and_600_deposits() -> None:
    given(*A_LONG).when(
        times(FULL, amend(1, stop=None)),
        times(FULL, close(9)),
        times(FULL - 3, deposit("0.000001")),
        deposit(1),
        fresh,
        close(1),
    ).then(
        *[amended(stop=None, take=None)] * FULL,
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        refused(Rejection.TOO_MANY_COMMANDS),
        closed_by_hand(1),
    )


def test_cmd_18_a_part_that_is_the_whole_closes_like_a_close() -> None:
    given(*A_LONG).when(times(FULL, close(9)), fresh, reduce(1, "0.01"), reduce(1, "0.02")).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        refused(Rejection.TOO_MANY_COMMANDS),
        closed_by_hand(1),
    )


@pytest.mark.parametrize(("lots", "closed"), [("0.02", (1,)), ("0.03", (1,)), ("0.04", (1, 2))])
def test_cmd_18_the_oldest_positions_close_whole_after_600_refused_commands(lots: str, closed: tuple[int, ...]) -> None:
    given(*A_LONG, long(BTC, margin=100)).when(times(FULL, close(9)), fresh, reduce_oldest(lots, leverage=10)).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        oldest_reduced(quantity=lots, at=50_000, positions=len(closed) + (lots == "0.03")),
        *[closed_by_hand(number) for number in closed],
        *[reduced(2)] * (lots == "0.03"),
    )


def test_cmd_19_a_part_of_the_oldest_position_counts_with_refused_commands() -> None:
    given(*A_LONG).when(times(FULL, close(9)), fresh, reduce_oldest("0.01", leverage=10)).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        refused(Rejection.TOO_MANY_COMMANDS),
    )


def test_cmd_18_all_positions_close_at_once_after_600_refused_commands() -> None:
    given(*A_LONG).when(times(FULL, close(9)), fresh, close_all(), close_all()).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        all_closed(1),
        closed_by_hand(1),
        refused(Rejection.TOO_MANY_COMMANDS),
    )


def test_cmd_19_amendments_have_600_ids_and_refused_commands_600_others() -> None:
    given(*A_LONG).when(
        times(FULL, amend(1, stop=None)), amend(1, take=None), times(FULL, close(9)), close(9), deposit(0), deposit(1)
    ).then(
        *[amended(stop=None, take=None)] * FULL,
        refused(Rejection.TOO_MANY_COMMANDS),
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        *[refused(Rejection.TOO_MANY_COMMANDS)] * 2,
        cash(901),
    )


def test_cmd_19_refused_openings_do_not_use_up_the_ids_of_openings() -> None:
    given(*A_LONG).when(
        times(FULL, long(BTC, margin=100, leverage=101)), fresh, long(BTC, margin=100), deposit(1)
    ).then(*[refused(Rejection.LEVERAGE_OUT_OF_RANGE)] * FULL, opened(), cash(801))


def test_cmd_19_a_command_refused_for_its_budget_is_not_remembered() -> None:
    given(*A_LONG).when(times(FULL, close(9)), close(9, id="late"), wait(600), close(9, id="late")).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        refused(Rejection.TOO_MANY_COMMANDS),
        refused(Rejection.POSITION_NOT_OPEN),
    )


def test_cmd_20_withdrawals_have_60_ids_of_their_own() -> None:
    given(*A_LONG).when(times(61, withdraw("0.000001")), fresh, long(BTC, margin=100), close(1)).then(
        refused(Rejection.TOO_MANY_COMMANDS), opened(), closed_by_hand(1), cash("899.99994")
    )


@pytest.mark.parametrize("kind", ["amend", "close", "withdraw", "close all"])
def test_cmd_04_a_command_is_known_again_whatever_it_is_counted_under(kind: str) -> None:
    steps = {
        "amend": amend(1, stop=49_000, id="x"),
        "close": close(1, id="x"),
        "withdraw": withdraw(1, id="x"),
        "close all": close_all(id="x"),
    }
    scenario = given(*A_LONG).when(steps[kind])
    first = scenario.exchange.last[0].command_offset
    scenario.when(steps[kind]).then(repeated(first))


def test_cmd_21_each_command_drops_two_ids_of_silent_accounts() -> None:
    """Three accounts of one id each; ten minutes later somebody else's first command drops two, the next the third."""
    others = ("carol", "dave", "erin")
    scenario = given(*[opens_account(who) for who in others], wait(600))
    exchange = scenario.exchange

    def ids() -> int:
        return sum(len(exchange.state.accounts[who].commands) for who in others)

    # What was opened first was forgotten first: Alice's and Bob's own.
    before = ids()
    assert before == len(others)
    scenario.when(sent(None))
    scenario.when(sent(None))
    assert ids() == 1
    scenario.when(sent(None))
    assert ids() == 0
    exchange.unseen.clear()
    exchange.check()


def test_cmd_21_the_order_of_forgetting_is_that_of_the_ledger_read_back() -> None:
    exchange = given(*A_LONG, deposit(5, who=BOB), amend(1, stop=49_000), withdraw(1)).exchange
    assert list(exchange.state.remembered) == list(remembered_ids(exchange.state.accounts_by_number))


def test_cmd_21_a_client_order_id_goes_with_the_ids_of_its_account() -> None:
    scenario = given(deposit(1_000), long(BTC, margin=100, at=50_000, name="mine"), wait(601))
    scenario.when(*[sent(None)] * 6)
    assert scenario.exchange.state.accounts[ALICE].client_order_ids == {}


@pytest.mark.rules(1)
def test_cmd_21_ids_of_version_1_are_forgotten_after_the_activation() -> None:
    exchange = given(*A_LONG, sent(activate(2)), wait(601)).exchange
    for _ in range(4):
        exchange.send(None)
    assert exchange.state.accounts[ALICE].commands == {}
    assert not exchange.state.remembered


def test_open_18_an_account_has_at_most_as_many_positions_as_the_broadcast_says() -> None:
    scenario = given(deposit(1_000), market(BTC, 50_000)).when(limit_positions(2))
    event = scenario.exchange.last[0]
    assert isinstance(event, AccountLimitsSet)
    assert (event.broadcast, event.positions_max) == ("limits-1", 2)
    scenario.when(*[long(BTC, margin=1)] * 3).then(opened(), opened(), refused(Rejection.TOO_MANY_POSITIONS)).when(
        close(1), long(BTC, margin=1)
    ).then(closed_by_hand(1), opened())


def test_open_18_the_limit_is_500_until_a_broadcast_changes_that_limit() -> None:
    given(deposit(1_000), market(BTC, 50_000)).when(
        times(500, each(long(BTC, margin="0.1"), fresh)), long(BTC, margin="0.1")
    ).then(*[opened()] * 500, refused(Rejection.TOO_MANY_POSITIONS))


@pytest.mark.parametrize(("most", "passes"), [(0, False), (-1, False), (1, True), (10_000, True), (10_001, False)])
def test_open_18_the_limit_has_bounds(most: int, *, passes: bool) -> None:
    given().when(limit_positions(most)).then(*([] if passes else [refused(Rejection.MALFORMED)]))


def test_cmd_19_a_part_is_counted_with_what_is_refused() -> None:
    given(*A_LONG).when(times(FULL - 1, close(9)), fresh, reduce(1, "0.001"), reduce(1, "0.001")).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * (FULL - 1),
        reduced(1, quantity="0.001", left="0.019"),
        refused(Rejection.TOO_MANY_COMMANDS),
    )


@pytest.mark.rules(1)
def test_rules_06_ids_of_version_1_are_counted_with_what_only_closes_and_what_is_refused() -> None:
    given(*A_LONG, times(FULL, amend(1, stop=None)), sent(activate(2))).when(fresh, close(9), close(1)).then(
        refused(Rejection.TOO_MANY_COMMANDS), closed_by_hand(1)
    )


@pytest.mark.rules(1)
def test_rules_06_a_candidate_of_version_1_ages_from_the_activation() -> None:
    given(market(BTC, 50_000), price(BTC, 60_000), wait(60), sent(activate(2)), wait("4.8")).when(
        price(BTC, 60_000)
    ).then(accepted(BTC))
    given(market(BTC, 50_000), price(BTC, 60_000), wait(60), sent(activate(2)), wait(5)).when(price(BTC, 60_000)).then(
        held(BTC)
    )
