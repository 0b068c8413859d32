"""Command ids: which command is known again, for how long, and how many an account may send."""

import pytest

from schemas.commands import DefineInstruments, Deposit, OpenAccount, SetMarketStatus
from schemas.ids import broadcast_id
from schemas.instruments import INSTRUMENTS
from schemas.record import replace
from schemas.rejections import Rejection
from tests.spec.checks import closed_by_hand, opened, refused, repeated, stopped
from tests.spec.exchange import MIDNIGHT, Exchange
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    Step,
    amend,
    close,
    deposit,
    each,
    given,
    long,
    market,
    price,
    seconds,
    sent,
    set_status,
    wait,
    withdraw,
)
from tests.spec.ledger_checks import cash, is_open
from tests.spec.test_commands import A_LONG

FULL = 600  # of which one is the account's opening


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


@pytest.mark.rules(1)
def test_cmd_09_closing_and_amending_are_refused_beyond_their_own_limit() -> None:
    exits = each(*[close(9) for _ in range(FULL)])
    given(*A_LONG).when(exits, close(1), amend(1, stop=None), deposit(1)).then(
        *[refused(Rejection.POSITION_NOT_OPEN)] * FULL,
        *[refused(Rejection.TOO_MANY_COMMANDS)] * 2,
        is_open(1),
        cash(901),
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
            memory = account.commands | account.exits | account.closes | account.amendments | account.withdrawals
        assert memory[event.command_id].content == event.command_hash


def test_cmd_14_a_refused_account_opening_may_be_sent_again_under_the_same_id() -> None:
    given().when(
        sent(OpenAccount(command_id="o", account_id="carol", first_deposit=-1)),
        sent(OpenAccount(command_id="o", account_id="carol", first_deposit=5)),
    ).then(refused(Rejection.AMOUNT_NOT_POSITIVE), cash("0.000005", who="carol"))
