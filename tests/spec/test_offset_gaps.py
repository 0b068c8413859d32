"""A ledger goes on over offsets that hold no record, and a command of the log says so."""

import pytest

from schemas.commands import AcceptOffsetGap, Command
from schemas.events import OffsetGapAccepted
from schemas.ids import broadcast_id
from schemas.rejections import Rejection
from tests.spec.checks import refused, repeated, the_next
from tests.spec.exchange import Exchange
from tests.spec.language import Check, deposit, given, sent
from tests.spec.ledger_checks import cash

pytestmark = pytest.mark.rules(2)


def acceptance(first: int, last: int, *, shard: int = 0) -> Command:
    name = f"offset-gap-{shard}-{first}-{last}"
    return AcceptOffsetGap(
        command_id=broadcast_id(name, shard), shard=shard, broadcast=name, first_offset=first, last_offset=last
    )


def gap_accepted(first: int, last: int) -> Check:
    """The last command accepted these offsets."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, OffsetGapAccepted)
        assert isinstance(event, OffsetGapAccepted)
        assert (event.first_offset, event.last_offset) == (first, last)

    return check


def test_gap_02_a_ledger_goes_on_over_a_gap_that_a_command_behind_it_names() -> None:
    exchange = given(deposit(10)).exchange
    first = exchange.state.next_offset
    exchange.send(acceptance(first, first + 2), gap=3)
    gap_accepted(first, first + 2)(exchange)
    assert exchange.state.next_offset == first + 4
    exchange.send(acceptance(first, first + 2))
    repeated(first + 3)(exchange)
    exchange.check()
    cash(10)(exchange)


@pytest.mark.parametrize(("first", "last"), [(-1, 0), (3, 2), (0, 10**6), (2**62, 2**62)])
def test_gap_01_offsets_that_are_not_before_the_command_or_end_before_they_begin_are_malformed(
    first: int, last: int
) -> None:
    given().when(sent(acceptance(first, last))).then(refused(Rejection.MALFORMED))


def test_gap_01_the_offset_of_the_command_itself_is_no_part_of_a_gap() -> None:
    own = given(deposit(10)).exchange.state.next_offset
    given(deposit(10)).when(sent(acceptance(own, own))).then(refused(Rejection.MALFORMED))
    given(deposit(10)).when(sent(acceptance(own - 1, own - 1))).then(gap_accepted(own - 1, own - 1))


def test_gap_01_an_acceptance_for_another_shard_is_refused() -> None:
    given().when(sent(acceptance(0, 0, shard=1))).then(refused(Rejection.WRONG_SHARD))
