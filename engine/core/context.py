"""Which command is executed: its place in the log, and the header every event it gives begins with."""

from engine.core.state import State
from schemas.events import CommandRejected, EventHeader
from schemas.rejections import Rejection
from schemas.units import Timestamp


class CommandContext:
    """first_seq: of its first event; index: of the next one. content: null where the id is not remembered.

    time: log time; appended_at: what the broker's clock said, which may be earlier. Both in µs.
    """

    def __init__(
        self,
        *,
        offset: int,
        time: Timestamp,
        appended_at: Timestamp,
        first_seq: int,
        command: str | None,
        command_id: str | None,
    ) -> None:
        self.offset = offset
        self.time = time
        self.appended_at = appended_at
        self.first_seq = first_seq
        self.command = command
        self.command_id = command_id
        self.content: bytes | None = None
        self.index = 0


def header(state: State, context: CommandContext, account_id: str | None, *, opens: bool = False) -> EventHeader:
    """Give the next event's header; only the outcome, index 0, says that the id is remembered.

    opens: the event makes the account, and is its first.
    """
    index = context.index
    context.index = index + 1
    account = state.accounts.get(account_id) if account_id is not None else None
    return EventHeader(
        context.first_seq + index,
        account.seq + 1 if account is not None else 1 if opens else None,
        context.offset,
        index,
        context.command_id,
        context.content if index == 0 else None,
        account_id,
        context.time,
    )


def begin_again(context: CommandContext) -> None:
    """Let an outcome take the place of the one that was made, and the id not be remembered."""
    context.index, context.content = 0, None


def rejected(
    state: State, context: CommandContext, rejection: Rejection, account_id: str | None = None
) -> CommandRejected:
    """Give the event of a command that changes nothing."""
    if account_id is not None and account_id not in state.accounts:
        context.content = None  # There is no account to remember the id for.
    return CommandRejected(header(state, context, account_id), command=context.command, rejection=rejection.value)
