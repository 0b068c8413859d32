"""Whether a command may be looked at: the first rungs of the ladder, the same for every command."""

from engine.core.bounds import DEADLINE_MAX
from engine.core.context import CommandContext, begin_again, header, rejected
from engine.core.memory import budget_after, budget_before, is_spent, known_id
from engine.core.rules import RULES, Rules
from engine.core.state import State
from schemas.bounds import is_id
from schemas.commands import Broadcast, ClientCommand, OpenAccount
from schemas.content import content_of
from schemas.events import CommandRepeated, Event
from schemas.ledger_records import Remembered
from schemas.rejections import Rejection
from schemas.sharding import shard_of


def admit_client(state: State, command: ClientCommand, context: CommandContext) -> Event | None:
    """Give the event that ends a client's command here, or null; from there on its id is remembered."""
    account_id = command.account_id
    account = state.accounts.get(account_id)
    opening = isinstance(command, OpenAccount)
    if account is None and shard_of(account_id, state.shards) != state.shard:
        return rejected(state, context, Rejection.WRONG_SHARD, account_id)
    if account is None and not opening:
        return rejected(state, context, Rejection.ACCOUNT_UNKNOWN, account_id)
    if account is not None and opening:
        return rejected(state, context, Rejection.ACCOUNT_EXISTS, account_id)
    content = content_of(command)
    if account is not None:
        known = known_id(account, command.command_id, context.time)
        if known is not None:
            return _repeated(state, context, known, content, account_id)
        budget = budget_before(command, RULES[state.rules_version])
        if budget is not None and is_spent(account, budget, context.time):
            return rejected(state, context, Rejection.TOO_MANY_COMMANDS, account_id)
    if is_id(command.command_id) and (account is not None or is_id(account_id)):
        context.content = content
    if command.deadline is not None and command.deadline < context.time:
        return rejected(state, context, Rejection.DEADLINE_PASSED, account_id)
    if command.deadline is not None and command.deadline > context.time + DEADLINE_MAX:
        return rejected(state, context, Rejection.DEADLINE_TOO_FAR, account_id)
    if context.content is None:
        return rejected(state, context, Rejection.MALFORMED, account_id)
    return None


def count(state: State, command: ClientCommand, context: CommandContext, outcome: Event, rules: Rules) -> Event:
    """Give the outcome, or TOO_MANY_COMMANDS where what it is counted under is spent; then nothing is remembered."""
    if outcome.command_hash is None:
        return outcome
    account = state.accounts.get(command.account_id)
    if account is None or not is_spent(account, budget_after(account, outcome, rules), context.time):
        return outcome
    begin_again(context)
    return rejected(state, context, Rejection.TOO_MANY_COMMANDS, command.account_id)


def admit_broadcast(state: State, command: Broadcast, context: CommandContext) -> Event | None:
    """Give the event that ends a broadcast's command here, or null; its id is remembered for ever."""
    if command.shard != state.shard:
        return rejected(state, context, Rejection.WRONG_SHARD)
    content = content_of(command)
    known = state.broadcasts.get(command.command_id)
    if known is not None:
        return _repeated(state, context, known, content, None)
    if not is_id(command.command_id) or not is_id(command.broadcast):
        return rejected(state, context, Rejection.MALFORMED)
    context.content = content
    return None


def _repeated(
    state: State, context: CommandContext, known: Remembered, content: bytes, account_id: str | None
) -> Event:
    if known.content != content:
        return rejected(state, context, Rejection.COMMAND_ID_REUSED, account_id)
    return CommandRepeated(header(state, context, account_id), first_offset=known.offset)
