"""A program that follows its account over the WebSocket, and whether what it heard is what the ledger has."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from reprise_client import AccountUpdate, Client, Message
from tests.processes import eventually
from tests.system.followed_ledger import Ledger
from tests.system.noted_answers import PASSWORD, TIMEOUT_S

PATIENCE_S: Final = 600.0
LOOK_S: Final = 0.5
HEARD_S: Final = 120.0


class Listener(threading.Thread):
    """Connects again by itself until it is ended. heard: every private message, in order."""

    def __init__(self, url: str, email: str, account_id: str) -> None:
        super().__init__(name=f"listener of {email}", daemon=True)
        self.account_id = account_id
        self.heard: list[Message] = []
        self._url = url
        self._email = email
        self._ended = threading.Event()

    def run(self) -> None:
        asyncio.run(self._listen())

    def end(self) -> None:
        """Follow no longer."""
        self._ended.set()
        self.join(10 * TIMEOUT_S)
        assert not self.is_alive()

    def differences(self, ledger: Ledger) -> Iterator[str]:
        """Wait for the account's last event, and compare each message with its event.

        An update follows the message before it without a gap.
        """
        events = {event.fields["account_seq"]: event for event in ledger.by_account[self.account_id]}
        eventually(lambda: self.heard and self.heard[-1].seq, lambda seq: seq == max(events), HEARD_S)
        print(f"{len(self.heard)} private messages were heard")
        for before, message in pairwise(self.heard):
            if message.kind == "update" and message.seq != before.seq + 1:
                yield f"{message.seq} was heard after {before.seq}"
        for message in self.heard:
            if message.kind == "update":
                update, event = message.read(AccountUpdate), events[message.seq]
                if (update.event, update.event_id) != (event.type, f"{event.shard}-{event.fields['seq']}"):
                    yield f"{update} was heard, and the ledger has {event}"

    async def _listen(self) -> None:
        async with Client(self._url, patience_s=PATIENCE_S) as client:
            await client.login(self._email, PASSWORD)
            async with client.stream("account") as messages:
                while not self._ended.is_set():
                    try:
                        async with asyncio.timeout(LOOK_S):
                            self.heard.append(await anext(messages))
                    except TimeoutError:
                        continue
