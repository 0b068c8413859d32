"""Changes of rules: which version may come next, from when on it holds, and what is written how."""

import pytest
from msgspec.structs import replace

from engine.core.rules import RulesUnknown
from schemas.codec import NotDecodable, decode_command, encode_command, version_of
from schemas.commands import SetMarketStatus
from schemas.events import RulesActivated
from schemas.ids import broadcast_id
from schemas.rejections import Rejection
from tests.second_rules import Deposit, activate, second_rules
from tests.spec.checks import liquidated, refused, repeated, the_next
from tests.spec.exchange import Exchange
from tests.spec.language import (
    ALICE,
    BTC,
    Check,
    close,
    deposit,
    empty,
    given,
    halt,
    long,
    market,
    price,
    sent,
    unhalt,
)
from tests.spec.ledger_checks import cash, insurance, is_open

# Two positions of LIQ-01: margin 100 at 50x on 5,000 of notional.
TWO_LONGS = (
    deposit(1_000),
    market(BTC, 50_000),
    long(BTC, margin=100, leverage=50),
    long(BTC, margin=100, leverage=25),
)


def activated(version: int) -> Check:
    """Another version of the rules is in force."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, RulesActivated)
        assert isinstance(event, RulesActivated)
        assert (event.version, len(exchange.last)) == (version, 1)
        assert exchange.state.rules_version == version

    return check


@pytest.mark.parametrize("version", [-1, 0, 1, 3, 2**63 - 1])
def test_rules_01_a_version_that_is_not_the_next_is_refused(version: int) -> None:
    scenario = empty().when(sent(activate(version))).then(refused(Rejection.RULES_VERSION_NOT_NEXT))
    assert scenario.exchange.state.rules_version == 1


def test_rules_01_the_next_version_passes_once_and_no_version_comes_back() -> None:
    with second_rules():
        given().when(sent(activate(2))).then(activated(2)).when(sent(activate(2))).then(repeated()).when(
            sent(activate(2, broadcast="again")), sent(activate(1))
        ).then(*[refused(Rejection.RULES_VERSION_NOT_NEXT)] * 2)


def test_rules_01_an_activation_refused_as_too_early_may_be_sent_again_after_its_predecessor() -> None:
    early = activate(2, broadcast="early")
    third = replace(early, version=3)
    with second_rules():
        scenario = empty().when(sent(third), sent(third)).then(*[refused(Rejection.RULES_VERSION_NOT_NEXT)] * 2)
        assert scenario.exchange.state.broadcasts == {}
        scenario.when(sent(early)).then(activated(2)).when(sent(early)).then(repeated(2))
        scenario.when(sent(third)).then(refused(Rejection.COMMAND_ID_REUSED))


def test_rules_01_an_activation_is_checked_like_every_broadcast() -> None:
    with second_rules():
        empty().when(sent(activate(2, shard=1)), sent(replace(activate(2), command_id=""))).then(
            refused(Rejection.WRONG_SHARD), refused(Rejection.MALFORMED)
        )


def test_rules_02_a_rule_changes_with_the_next_command() -> None:
    """LIQ-04 at bid 49,200 takes 20 of the 20 that are left; by half the fee 12.30, and 7.70 return."""
    with second_rules():
        given(*TWO_LONGS, sent(activate())).when(price(BTC, 49_200)).then(
            liquidated(1, at=49_200, fee="12.3", returned="7.7"), is_open(2), insurance("12.3"), cash("807.7")
        )
    given(*TWO_LONGS).when(price(BTC, 49_200)).then(
        liquidated(1, at=49_200, fee=20, returned=0), is_open(2), insurance(20), cash(800)
    )


def test_rules_02_a_position_ends_by_the_version_in_force_at_its_end_and_not_at_its_opening() -> None:
    with second_rules():
        given(*TWO_LONGS).when(price(BTC, 49_200), sent(activate())).then(
            liquidated(1, at=49_200, fee=20, returned=0), activated(2)
        ).when(price(BTC, 48_200)).then(liquidated(2, at=48_200, fee="6.025", returned="3.975"))


def test_rules_02_an_activation_fires_nothing() -> None:
    with second_rules():
        given(*TWO_LONGS, halt(BTC), price(BTC, 49_200)).when(sent(activate())).then(activated(2), is_open(1, 2)).when(
            unhalt(BTC)
        ).then(liquidated(1, at=49_200, fee="12.3", returned="7.7"))


def test_rules_03_events_are_written_with_the_schemas_in_force_before_their_command() -> None:
    with second_rules():
        exchange = given(*TWO_LONGS, close(2)).when(sent(activate()), close(1)).exchange
        exchange.check()
        closings = [value for value in exchange.values if version_of(value) == 2]
        assert closings == exchange.values[-1:]


def test_rules_03_a_command_of_a_later_schema_is_not_decodable_until_its_version_is_in_force() -> None:
    """Older code without that schema decided the same about these bytes."""
    noted = Deposit(command_id="d", account_id=ALICE, amount=5, note="rent")
    with second_rules():
        value = encode_command(noted)
        assert version_of(value) == 2
        assert decode_command(value, 2) == decode_command(value) == noted
        with pytest.raises(NotDecodable, match="its schema comes with rules version 2"):
            decode_command(value, 1)
    with pytest.raises(NotDecodable):
        decode_command(value, 1)


def test_rules_03_a_command_without_a_new_field_is_written_with_its_old_schema() -> None:
    """So that newer clients trade before the activation, with older engines too."""
    with second_rules():
        plain = encode_command(Deposit(command_id="d", account_id=ALICE, amount=5))
        assert version_of(plain) == 1
        assert decode_command(plain, 1) == Deposit(command_id="d", account_id=ALICE, amount=5)
    assert getattr(decode_command(plain, 1), "amount") == 5  # noqa: B009


def test_rules_04_code_without_the_next_version_stops_before_the_activation() -> None:
    exchange = given(deposit(5)).exchange
    before = exchange.state.next_offset
    with pytest.raises(RulesUnknown, match="start a newer one"):
        exchange.send(activate())
    assert exchange.state.next_offset == before
    exchange.check()
    with second_rules():
        exchange.send(activate())
    assert exchange.state.rules_version == 2


def test_cmd_12_an_activation_is_remembered_for_ever_as_every_broadcast() -> None:
    other = SetMarketStatus(
        command_id=broadcast_id("rules-2", 0), shard=0, broadcast="rules-2", symbol=BTC, status="halted"
    )
    with second_rules():
        given(sent(activate())).when(sent(activate()), sent(other)).then(
            repeated(), refused(Rejection.COMMAND_ID_REUSED)
        )
