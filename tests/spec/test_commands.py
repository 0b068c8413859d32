"""Commands: each gives an event, goes to its shard, comes in time, and has one outcome with the command's id."""

import pytest

from schemas.commands import (
    AmendStops,
    ClosePosition,
    Deposit,
    OpenAccount,
    OpenPosition,
    SelectFeed,
    SetMarketStatus,
)
from schemas.content import content_of
from schemas.events import AccountOpened, CommandRejected, CommandRepeated, Deposited
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.sharding import shard_of
from tests.spec.checks import closed_by_hand, opened, refused
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    FEED,
    RUN,
    close,
    deposit,
    empty,
    given,
    long,
    market,
    opens_account,
    seconds,
    sent,
    wait,
    withdraw,
)
from tests.spec.ledger_checks import cash, condition_is, is_open

A_LONG = (deposit(1_000), long(BTC, margin=100, leverage=10, at=50_000))


def test_cmd_01_bytes_that_are_no_command_give_an_event_and_nothing_else() -> None:
    scenario = given(deposit(5)).when(sent(None)).then(refused(Rejection.NOT_DECODABLE), cash(5))
    event = scenario.exchange.last[0]
    assert isinstance(event, CommandRejected)
    assert (event.command, event.command_id, event.account_id, event.account_seq) == (None, None, None, None)
    empty().when(sent(None)).then(refused(Rejection.NOT_DECODABLE))


def test_cmd_02_an_account_s_commands_belong_to_the_shard_its_id_hashes_to() -> None:
    for shard in range(4):
        scenario = empty(shard, shards=4)
        mine = next(f"user-{n}" for n in range(100) if shard_of(f"user-{n}", 4) == shard)
        theirs = next(f"user-{n}" for n in range(100) if shard_of(f"user-{n}", 4) != shard)
        scenario.when(opens_account(mine, 10), opens_account(theirs, 10), deposit(1, who=theirs)).then(
            refused(Rejection.WRONG_SHARD), refused(Rejection.WRONG_SHARD), cash(10, who=mine)
        )
        assert list(scenario.exchange.state.accounts) == [mine]


def test_cmd_02_positions_are_named_after_their_shard() -> None:
    scenario = empty(3, shards=4)
    mine = next(f"user-{n}" for n in range(100) if shard_of(f"user-{n}", 4) == 3)
    scenario.exchange.define()
    scenario.when(
        sent(SelectFeed(name=FEED, run=RUN, live=False)),
        opens_account(mine, 100),
        long(BTC, margin=10, at=50_000, who=mine),
    ).then(opened(1), is_open(1))
    assert list(scenario.exchange.state.positions) == ["3-1"]


def test_cmd_02_a_broadcast_names_its_shard() -> None:
    command = SetMarketStatus(command_id="halt", shard=1, broadcast="b", symbol=BTC, status="halted")
    given(*A_LONG).when(sent(command), close(1)).then(refused(Rejection.WRONG_SHARD), closed_by_hand(1))


def test_cmd_03_commands_of_an_account_that_was_never_opened_are_refused() -> None:
    given(market(BTC, 50_000)).when(
        deposit(1, who="nobody"), withdraw(1, who="nobody"), long(BTC, margin=1, who="nobody"), close(1, who="nobody")
    ).then(*[refused(Rejection.ACCOUNT_UNKNOWN)] * 4)


@pytest.mark.parametrize(
    ("deadline", "rejection"),
    [
        (999, Rejection.DEADLINE_PASSED),
        (1_000, None),
        (seconds(300) + 1_000, None),
        (seconds(300) + 1_001, Rejection.DEADLINE_TOO_FAR),
    ],
)
def test_cmd_10_a_deadline_is_not_passed_and_at_most_five_minutes_ahead(
    deadline: int, rejection: Rejection | None
) -> None:
    """The command comes 1,000 µs after it was written."""
    given(deposit(1_000), market(BTC, 50_000)).when(long(BTC, margin=100, deadline=deadline)).then(
        opened() if rejection is None else refused(rejection)
    )


def test_cmd_13_log_time_never_goes_back() -> None:
    scenario = given(deposit(1_000), market(BTC, 50_000))
    before = scenario.exchange.state.time
    scenario.when(sent(Deposit(command_id="d", account_id=ALICE, amount=1), at=before - seconds(60))).then()
    assert scenario.exchange.last[0].time == before
    scenario.when(wait(60), wait(4)).then(condition_is(BTC, "fresh"))


def test_cmd_15_content_is_the_command_without_id_and_deadline_and_names_its_type() -> None:
    one = Deposit(command_id="a", account_id=ALICE, deadline=1, amount=5)
    assert content_of(one) == content_of(replace(one, command_id="b", deadline=None))
    assert content_of(one) != content_of(replace(one, amount=6))
    assert content_of(one) != content_of(replace(one, account_id=BOB))
    account = OpenAccount(command_id="a", account_id=ALICE, first_deposit=5)
    assert len({content_of(one), content_of(account)}) == 2
    broadcast = SetMarketStatus(command_id="a", shard=0, broadcast="b", symbol=BTC, status="open")
    assert content_of(broadcast) == content_of(replace(broadcast, command_id="c"))
    assert content_of(broadcast) != content_of(replace(broadcast, broadcast="c"))


COMMANDS_OF_A_CLIENT: tuple[OpenAccount | Deposit | OpenPosition | ClosePosition | AmendStops, ...] = (
    OpenAccount(command_id="c", account_id="carol", first_deposit=0),
    Deposit(command_id="c", account_id=ALICE, amount=1),
    OpenPosition(command_id="c", account_id=ALICE, symbol=BTC, side="long", margin=10**7, leverage=1_000),
    ClosePosition(command_id="c", account_id=ALICE, position_id="0-1"),
    AmendStops(command_id="c", account_id=ALICE, position_id="0-1", amend_stop_loss=True, amend_take_profit=False),
)


@pytest.mark.parametrize("command", COMMANDS_OF_A_CLIENT, ids=lambda command: type(command).__name__)
def test_cmd_16_the_outcome_is_the_first_event_and_carries_the_command_s_id_and_account(
    command: OpenAccount | Deposit | OpenPosition | ClosePosition | AmendStops,
) -> None:
    exchange = given(*A_LONG).when(sent(command)).exchange
    outcome = exchange.last[0]
    assert not isinstance(outcome, CommandRejected | CommandRepeated)
    assert (outcome.command_id, outcome.account_id, outcome.index) == ("c", command.account_id, 0)
    assert outcome.command_hash == content_of(command)


def test_cmd_16_account_seq_counts_an_account_s_events_from_1() -> None:
    exchange = given().when(deposit(1), withdraw(2), deposit(1, who=BOB), deposit(1)).exchange
    mine = [event.account_seq for event in exchange.events if event.account_id == ALICE]
    assert mine == [1, 2, 3, 4]
    kinds = [type(event) for event in exchange.events if event.account_id == ALICE]
    assert kinds == [AccountOpened, Deposited, CommandRejected, Deposited]
