"""Changes of rules: which version may come next, from when on it holds, and what is written how."""

import pytest

from engine.core import rules
from engine.core.rules import RulesUnknown, newest_rules
from schemas.codec import NotDecodable, decode_command, encode_command, version_of
from schemas.commands import DefineInstruments, SetMarketStatus, UpdatePrices
from schemas.events import RulesActivated
from schemas.ids import broadcast_id
from schemas.instruments import BY_SYMBOL
from schemas.messages import AliveMark
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import Timestamp
from tests.activating import activate
from tests.spec.checks import refused, repeated, stopped, the_next
from tests.spec.exchange import Exchange
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    Check,
    deposit,
    empty,
    given,
    halt,
    long,
    market,
    opens_account,
    price,
    sent,
    unhalt,
    wait,
)
from tests.spec.ledger_checks import cash, insurance, is_open

pytestmark = pytest.mark.rules(1)

# Two positions of LIQ-01, margin 100 at 50x on 5,000 of notional, with stops at 49,500 and 49,000.
TWO_LONGS = (
    deposit(1_000),
    market(BTC, 50_000),
    long(BTC, margin=100, leverage=50, stop=49_500),
    long(BTC, margin=100, leverage=25, stop=48_500),
)
VOUCHING = UpdatePrices(
    feed="simulated",
    run="run-1",
    sent_at=1,
    ticks=(),
    alive=(),
    marks=(AliveMark(symbol=BTC, source_time=Timestamp(1), update_id=1),),
)


def activated(version: int) -> Check:
    """Another version of the rules is in force."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, RulesActivated)
        assert isinstance(event, RulesActivated)
        assert (event.version, len(exchange.last)) == (version, 1)
        assert exchange.state.rules_version == version

    return check


def of_instruments(open_age_max: int | None) -> DefineInstruments:
    instrument = replace(BY_SYMBOL[BTC], open_age_max=open_age_max)
    return DefineInstruments(command_id="d", shard=0, broadcast="d", instruments=(instrument,))


@pytest.mark.parametrize("version", [-1, 0, 1, 3, 2**63 - 1])
def test_rules_01_a_version_that_is_not_the_next_is_refused(version: int) -> None:
    scenario = empty().when(sent(activate(version))).then(refused(Rejection.RULES_VERSION_NOT_NEXT))
    assert scenario.exchange.state.rules_version == 1


def test_rules_01_the_next_version_passes_once_and_no_version_comes_back() -> None:
    given().when(sent(activate(2))).then(activated(2)).when(sent(activate(2))).then(repeated()).when(
        sent(activate(2, broadcast="again")), sent(activate(1))
    ).then(*[refused(Rejection.RULES_VERSION_NOT_NEXT)] * 2)


def test_rules_01_an_activation_refused_as_too_early_may_be_sent_again_after_its_predecessor() -> None:
    early = activate(2, broadcast="early")
    third = replace(early, version=3)
    scenario = empty().when(sent(third), sent(third)).then(*[refused(Rejection.RULES_VERSION_NOT_NEXT)] * 2)
    assert scenario.exchange.state.broadcasts == {}
    scenario.when(sent(early)).then(activated(2)).when(sent(early)).then(repeated(2))
    scenario.when(sent(third)).then(refused(Rejection.COMMAND_ID_REUSED))


def test_rules_01_an_activation_is_checked_like_every_broadcast() -> None:
    empty().when(sent(activate(2, shard=1)), sent(replace(activate(2), command_id=""))).then(
        refused(Rejection.WRONG_SHARD), refused(Rejection.MALFORMED)
    )


def test_rules_02_a_rule_changes_with_the_next_command() -> None:
    """LIQ-05 takes 20 of the 20 that are left at 49,200; LIQ-08 lets them return."""
    given(*TWO_LONGS, sent(activate())).when(price(BTC, 49_200)).then(
        stopped(1, at=49_200, liquidation_fee=0, returned=20), is_open(2), insurance(0), cash(820)
    )
    given(*TWO_LONGS).when(price(BTC, 49_200)).then(
        stopped(1, at=49_200, liquidation_fee=20, returned=0), is_open(2), insurance(20), cash(800)
    )


def test_rules_02_a_position_ends_by_the_version_in_force_at_its_end_and_not_at_its_opening() -> None:
    given(*TWO_LONGS).when(price(BTC, 49_200), sent(activate())).then(
        stopped(1, at=49_200, liquidation_fee=20, returned=0), activated(2)
    ).when(price(BTC, 48_200)).then(stopped(2, at=48_200, liquidation_fee=0, returned=10))


def test_rules_02_an_activation_fires_nothing() -> None:
    given(*TWO_LONGS, halt(BTC), price(BTC, 49_200)).when(sent(activate())).then(activated(2), is_open(1, 2)).when(
        unhalt(BTC)
    ).then(stopped(1, at=49_200, liquidation_fee=0, returned=20))


def test_rules_03_events_are_written_with_the_schemas_in_force_before_their_command() -> None:
    exchange = given(sent(of_instruments(None))).exchange
    exchange.send(activate())
    exchange.succeed(replace(of_instruments(3_000_000), command_id="e"))
    exchange.check()
    assert [value for value in exchange.values if version_of(value) == 2] == exchange.values[-1:]


def test_rules_03_a_command_of_a_later_schema_is_not_decodable_until_its_version_is_in_force() -> None:
    """Older code without that schema decided the same about these bytes."""
    for command in (VOUCHING, of_instruments(1)):
        value = encode_command(command)
        assert version_of(value) == 2
        assert decode_command(value, 2) == decode_command(value) == command
        with pytest.raises(NotDecodable, match="its schema comes with rules version 2"):
            decode_command(value, 1)


def test_rules_03_a_command_without_a_new_field_is_written_with_its_old_schema() -> None:
    """So that newer clients trade before the activation, with older engines too."""
    for command in (replace(VOUCHING, marks=None, alive=(BTC,)), of_instruments(None)):
        value = encode_command(command)
        assert version_of(value) == 1
        assert decode_command(value, 1) == command


def test_rules_04_code_without_the_next_version_stops_before_the_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = given(deposit(5)).exchange
    for version in range(2, newest_rules() + 1):
        exchange.succeed(activate(version))
    before, unknown = exchange.state.next_offset, newest_rules() + 1
    with pytest.raises(RulesUnknown, match="start a newer one"):
        exchange.send(activate(unknown))
    assert exchange.state.next_offset == before
    exchange.check()
    monkeypatch.setitem(rules.RULES, unknown, rules.RULES[newest_rules()])
    exchange.send(activate(unknown))
    assert exchange.state.rules_version == unknown


def test_cmd_12_an_activation_is_remembered_for_ever_as_every_broadcast() -> None:
    other = SetMarketStatus(
        command_id=broadcast_id("rules-2", 0), shard=0, broadcast="rules-2", symbol=BTC, status="halted"
    )
    given(sent(activate())).when(sent(activate()), sent(other)).then(repeated(), refused(Rejection.COMMAND_ID_REUSED))


def test_rules_06_ids_remembered_under_version_1_are_forgotten_under_version_2_the_oldest_first() -> None:
    """CMD-21: two ids each of two silent accounts, ten minutes old; a third account has one, a minute younger."""
    scenario = given(deposit(1, who=ALICE), deposit(1, who=BOB), wait(60), opens_account("carol", 0))
    scenario.when(sent(activate()), wait(550), price(BTC, 50_000))
    accounts = scenario.exchange.state.accounts
    assert [len(accounts[who].commands) for who in (ALICE, BOB, "carol")] == [1, 1, 1]
