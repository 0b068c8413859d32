"""In which order the commands of one connection get into the log: that in which they came, however long each prepares.

What a command needs before it is sent, such as its key in the database, is asked for all at once; only the sending
waits for its turn.
"""

import asyncio
from collections import deque


class SendingTurn:
    """One command's place among those of its connection; whoever has it must end it. Used on the loop only."""

    def __init__(self, turns: "SendingTurns") -> None:
        self._turns = turns
        self._coming: asyncio.Future[None] | None = None
        self.ended = False

    async def come(self) -> None:
        """Wait until every command before this one was sent, or ended without that."""
        if self.ended or self._turns.first is self:
            return
        self._coming = asyncio.get_running_loop().create_future()
        await self._coming

    def end(self) -> None:
        """Let the next one go on: the command was sent, or is not going to be."""
        self.ended = True
        self._turns.advance()

    def call(self) -> None:
        """Let it go on, where it waits."""
        if self._coming is not None and not self._coming.done():
            self._coming.set_result(None)


class SendingTurns:
    """The commands of a connection that are not sent yet, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[SendingTurn] = deque()

    @property
    def first(self) -> SendingTurn | None:
        """Give the one whose turn it is."""
        return self._waiting[0] if self._waiting else None

    def take(self) -> SendingTurn:
        """Give the next turn."""
        turn = SendingTurn(self)
        self._waiting.append(turn)
        return turn

    def advance(self) -> None:
        """Call the first that has not ended."""
        while self._waiting and self._waiting[0].ended:
            self._waiting.popleft()
        if self._waiting:
            self._waiting[0].call()
