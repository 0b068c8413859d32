"""Which commands this process has sent lately, and which of them nobody waits for any more."""

from collections import OrderedDict
from time import monotonic
from typing import Final, NamedTuple

from schemas.commands import AccountCommand

SENT_MAX: Final = 20_000


class SentCommand(NamedTuple):
    """A command this process sent, at a time of its monotonic clock; answered: its outcome was seen, or it has none."""

    command: AccountCommand
    at: float
    answered: bool = False


class SentCommands:
    """The last commands, by id, within a bound; used on the loop only."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, SentCommand] = OrderedDict()

    def note(self, command: AccountCommand) -> None:
        """Remember a command that is about to be sent."""
        self._sent[command.command_id] = SentCommand(command, monotonic())
        if len(self._sent) > SENT_MAX:
            self._sent.popitem(last=False)

    def note_answer(self, command_id: str) -> None:
        """Note that nobody needs to wait for a command's outcome any more."""
        sent = self._sent.get(command_id)
        if sent is not None:
            self._sent[command_id] = sent._replace(answered=True)

    def get(self, command_id: str) -> SentCommand | None:
        """Give a command, where this process sent it lately."""
        return self._sent.get(command_id)
