"""Commands: each gives an event, is known by its id, comes in time, and is refused for the first reason that holds."""

import pytest
from msgspec.structs import replace

from schemas.commands import (
    AmendStops,
    ClosePosition,
    DefineInstruments,
    Deposit,
    OpenAccount,
    OpenPosition,
    SelectFeed,
    SetMarketStatus,
)
from schemas.content import content_of
from schemas.events import AccountOpened, CommandRejected, CommandRepeated, Deposited
from schemas.ids import broadcast_id
from schemas.instruments import INSTRUMENTS
from schemas.rejections import Rejection
from schemas.sharding import shard_of
from tests.spec.checks import cash, closed_by_hand, condition_is, is_open, opened, refused, repeated, stopped
from tests.spec.exchange import MIDNIGHT, Exchange
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    FEED,
    RUN,
    Step,
    amend,
    close,
    deposit,
    each,
    empty,
    given,
    long,
    market,
    opens_account,
    price,
    seconds,
    sent,
    set_status,
    wait,
    withdraw,
)

A_LONG = (deposit(1_000), long(BTC, margin=100, leverage=10, at=50_000))
FULL = 600  # of which one is the account's opening


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


def test_cmd_04_a_repeated_command_is_answered_with_its_first_offset_and_not_executed() -> None:
    scenario = given()
    first = scenario.exchange.state.next_offset
    scenario.when(deposit(10, id="d"), deposit(10, id="d"), wait(599), deposit(10, id="d")).then(
        repeated(), repeated(first), cash(10)
    )


def test_cmd_04_every_kind_of_client_command_is_known_again() -> None:
    steps: tuple[Step, ...] = (
        deposit(500, id="deposit"),
        withdraw(1, id="withdraw"),
        long(BTC, margin=100, leverage=10, id="open"),
        amend(1, stop=49_000, id="amend"),
        close(1, id="close"),
    )
    given(market(BTC, 50_000)).when(*steps, *steps).then(
        opened(1), closed_by_hand(1), *[repeated()] * 5, cash(499), is_open()
    )


def test_cmd_04_another_deadline_is_the_same_command() -> None:
    first = Deposit(command_id="d", account_id=ALICE, deadline=MIDNIGHT + seconds(10), amount=5)
    given().when(sent(first), sent(replace(first, deadline=None)), sent(replace(first, deadline=1))).then(
        repeated(), repeated()
    )


def test_cmd_05_other_content_under_a_known_id_is_refused() -> None:
    given(market(BTC, 50_000)).when(
        deposit(10, id="d"), deposit(11, id="d"), withdraw(10, id="d"), close(1, id="d")
    ).then(*[refused(Rejection.COMMAND_ID_REUSED)] * 3, cash(10))


def test_cmd_05_an_id_is_an_account_s_own() -> None:
    given().when(deposit(10, id="d"), deposit(11, who=BOB, id="d")).then(cash(10), cash(11, who=BOB))


def test_cmd_05_a_reused_id_is_not_remembered_with_its_new_content() -> None:
    given().when(deposit(10, id="d"), deposit(11, id="d"), deposit(11, id="d"), deposit(10, id="d")).then(
        *[refused(Rejection.COMMAND_ID_REUSED)] * 2, repeated()
    )


def test_cmd_06_a_refused_command_stays_refused() -> None:
    given().when(withdraw(10, id="w"), deposit(10), withdraw(10, id="w")).then(
        refused(Rejection.INSUFFICIENT_MARGIN), repeated(), cash(10)
    )


def test_cmd_06_a_malformed_or_late_command_stays_refused_too() -> None:
    malformed = amend(1, id="a")
    late = Deposit(command_id="d", account_id=ALICE, deadline=1, amount=10)
    given(*A_LONG).when(malformed, malformed, sent(late), sent(late), sent(replace(late, deadline=None))).then(
        refused(Rejection.MALFORMED), repeated(), refused(Rejection.DEADLINE_PASSED), repeated(), repeated(), cash(900)
    )


def test_cmd_07_an_id_is_remembered_for_ten_minutes_of_log_time() -> None:
    given().when(deposit(10, id="d"), wait("599.998999"), deposit(10, id="d")).then(repeated(), cash(10))
    given().when(deposit(10, id="d"), wait("599.999"), deposit(10, id="d")).then(cash(20))
    given().when(deposit(10, id="d"), wait("599.999"), withdraw(10, id="d"), deposit(10, id="d")).then(
        refused(Rejection.COMMAND_ID_REUSED), cash(0)
    )


def test_cmd_07_a_repeat_does_not_extend_the_time_an_id_is_remembered() -> None:
    given().when(deposit(10, id="d"), wait(500), deposit(10, id="d"), wait(100), deposit(10, id="d")).then(
        repeated(), cash(20)
    )


def test_cmd_08_an_account_has_six_hundred_commands_in_ten_minutes() -> None:
    fill = each(*[deposit("0.000001") for _ in range(FULL - 1)])
    given(market(BTC, 50_000)).when(fill, deposit(1, id="late")).then(
        refused(Rejection.TOO_MANY_COMMANDS), cash("0.000599")
    ).when(deposit(1, who=BOB), wait(600), deposit(1, id="late")).then(cash("1.000599"), cash(1, who=BOB))


def test_cmd_08_a_command_over_the_limit_is_not_remembered_and_a_repeat_is_still_answered() -> None:
    def until_the_first_is_forgotten(exchange: Exchange) -> None:
        oldest = next(iter(exchange.state.accounts[ALICE].commands.values()))
        exchange.now = oldest.time + seconds(600) - 1_000

    fill = each(*[deposit("0.000001", id=f"d-{n}") for n in range(FULL - 1)])
    scenario = given().when(fill, deposit(1, id="late"), deposit("0.000001", id="d-0"), deposit(2, id="d-598"))
    scenario.then(
        refused(Rejection.TOO_MANY_COMMANDS), repeated(), refused(Rejection.COMMAND_ID_REUSED), cash("0.000599")
    )
    scenario.when(until_the_first_is_forgotten, deposit(1, id="late"), deposit(1, id="later")).then(
        refused(Rejection.TOO_MANY_COMMANDS), cash("1.000599")
    )


def test_cmd_09_closing_and_amending_have_a_limit_of_six_hundred_commands_of_their_own() -> None:
    fill = each(*[deposit("0.000001") for _ in range(FULL - 3)])
    given(*A_LONG).when(fill, deposit(1), amend(1, stop=49_000), close(1), close(1)).then(
        refused(Rejection.TOO_MANY_COMMANDS), closed_by_hand(1), refused(Rejection.POSITION_NOT_OPEN)
    )


def test_cmd_09_closing_and_amending_are_refused_beyond_their_own_limit() -> None:
    exits = each(*[close(9) for _ in range(FULL)])
    given(*A_LONG).when(exits, close(1), amend(1, stop=None), deposit(1)).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        *[refused(Rejection.TOO_MANY_COMMANDS)] * 2,
        is_open(1),
        cash(901),
    )


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


@pytest.mark.parametrize("bad", ["", "x" * 65, "tab\t", "nul\x00", "é", "line\n"])
def test_cmd_11_an_id_is_1_to_64_printable_ascii_characters_and_any_other_id_is_not_remembered(bad: str) -> None:
    given().when(deposit(1, id="x" * 64), *[sent(Deposit(command_id=bad, account_id=ALICE, amount=1))] * 2).then(
        *[refused(Rejection.MALFORMED)] * 2, cash("1")
    )
    given().when(sent(OpenAccount(command_id="o", account_id=bad, first_deposit=0))).then(refused(Rejection.MALFORMED))


def test_cmd_12_a_broadcast_is_executed_once_however_often_it_is_sent_and_remembered_for_ever() -> None:
    halt = SetMarketStatus(
        command_id=broadcast_id("halt-1", 0), shard=0, broadcast="halt-1", symbol=BTC, status="halted"
    )
    scenario = given(*A_LONG)
    first = scenario.exchange.state.next_offset
    scenario.when(sent(halt), set_status(BTC, "open"), sent(halt)).then(repeated(first))
    scenario.when(wait(10**6), sent(halt), sent(replace(halt, status="open"))).then(
        repeated(first), refused(Rejection.COMMAND_ID_REUSED)
    )
    assert scenario.exchange.state.markets[BTC].status == "open"


def test_cmd_12_a_refused_broadcast_stays_refused_and_a_broadcast_without_an_id_is_malformed() -> None:
    command = DefineInstruments(command_id="d", shard=0, broadcast="b", instruments=())
    given().when(
        sent(command),
        sent(command),
        sent(replace(command, command_id="", instruments=INSTRUMENTS)),
        sent(replace(command, command_id="e", broadcast="", instruments=INSTRUMENTS)),
        sent(replace(command, command_id="e", instruments=INSTRUMENTS)),
    ).then(refused(Rejection.MALFORMED), repeated(), refused(Rejection.MALFORMED), refused(Rejection.MALFORMED))


def test_cmd_13_log_time_never_goes_back() -> None:
    scenario = given(deposit(1_000), market(BTC, 50_000))
    before = scenario.exchange.state.time
    scenario.when(sent(Deposit(command_id="d", account_id=ALICE, amount=1), at=before - seconds(60))).then()
    assert scenario.exchange.last[0].time == before
    scenario.when(wait(60), wait(4)).then(condition_is(BTC, "fresh"))


def test_cmd_14_only_an_outcome_remembers_the_id_and_only_where_the_account_is_known() -> None:
    """What carries a content hash is remembered: the hash and the memory never disagree."""
    known = Deposit(command_id="d", account_id=ALICE, amount=1)
    scenario = given(*A_LONG, amend(1, stop=49_000))
    scenario.when(
        sent(known),
        sent(OpenAccount(command_id="o", account_id="carol", first_deposit=-1)),
        sent(OpenAccount(command_id="o", account_id=ALICE, first_deposit=0)),
        sent(Deposit(command_id="x", account_id="nobody", amount=1)),
        set_status(BTC, "open", id="fires"),
        price(BTC, 49_000),
    ).then(
        refused(Rejection.AMOUNT_NOT_POSITIVE),
        refused(Rejection.ACCOUNT_EXISTS),
        refused(Rejection.ACCOUNT_UNKNOWN),
        stopped(1, at=49_000),
    )
    for event in scenario.exchange.events:
        if event.command_hash is None:
            continue
        assert event.index == 0
        assert event.command_id is not None
        memory = scenario.exchange.state.broadcasts
        if event.account_id is not None:
            account = scenario.exchange.state.accounts[event.account_id]
            memory = account.commands | account.exits
        assert memory[event.command_id].content == event.command_hash


def test_cmd_14_a_refused_account_opening_may_be_sent_again_under_the_same_id() -> None:
    given().when(
        sent(OpenAccount(command_id="o", account_id="carol", first_deposit=-1)),
        sent(OpenAccount(command_id="o", account_id="carol", first_deposit=5)),
    ).then(refused(Rejection.AMOUNT_NOT_POSITIVE), cash("0.000005", who="carol"))


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
