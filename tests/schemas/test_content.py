"""Two commands are the same if everything but their id and deadline is equal."""

import pytest

from schemas.commands import AmendStops, ClientCommand, ClosePosition, Deposit, OpenAccount, OpenPosition
from schemas.content import CONTENT_SIZE, content_of
from schemas.record import replace

COMMANDS: tuple[ClientCommand, ...] = (
    OpenAccount(command_id="1", account_id="a", deadline=5, first_deposit=1),
    Deposit(command_id="2", account_id="a", deadline=None, amount=1),
    Deposit(command_id="2", account_id="b", deadline=None, amount=1),
    OpenPosition(command_id="3", account_id="a", symbol="BTC_USDC", side="long", margin=5, leverage=100),
    OpenPosition(command_id="3", account_id="a", symbol="BTC_USDC", side="long", quantity=5, leverage=100),
    ClosePosition(command_id="5", account_id="a", position_id="0-1"),
    AmendStops(command_id="6", account_id="a", position_id="0-1", amend_stop_loss=True, amend_take_profit=False),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{type(command).__name__} {command.command_id}")
def test_commands_that_differ_only_in_id_and_deadline_have_the_same_content(command: ClientCommand) -> None:
    again = replace(command, command_id="another", deadline=7)
    assert content_of(again) == content_of(command)
    assert len(content_of(command)) == CONTENT_SIZE


def test_commands_that_differ_in_any_other_field_have_different_content() -> None:
    assert len({content_of(command) for command in COMMANDS}) == len(COMMANDS)


def test_the_content_hash_of_a_recorded_command_never_changes() -> None:
    """Events in the log carry it: a field added later, null in this command, must not change it."""
    assert content_of(COMMANDS[3]).hex() == "94664c251f7a5c2b04f5a1616445b43f"
