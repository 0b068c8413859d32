"""How one account's events reach its sockets: a snapshot with a number, then each event once, whoever missed some."""

import asyncio
from collections import deque
from time import monotonic
from typing import Final, NamedTuple

from sqlalchemy import Connection

from api.app_state import AppState
from api.dispatch.read_your_writes import catch_up
from api.http.problems import PROJECTION_BEHIND, ApiError
from api.http.times import now, text_of
from api.log.event_bus import AccountEvent, Subscription
from api.stream.account_state import AccountState
from api.stream.channels import ACCOUNT
from api.stream.history import MISSED_MAX, events_after
from api.stream.outbox import SocketOutbox
from api.stream.schemas import (
    AccountUpdate,
    WsAccountSnapshot,
    WsAccountUpdate,
    WsResync,
)
from projector import queries

RECENT_MAX: Final = 256  # messages kept for sockets that resume
PATIENCE_S: Final = 10.0
AHEAD_S: Final = 2.0  # by which another process may have read on
PAUSE_S: Final = 0.1


class _StoredAccount(NamedTuple):
    """What PostgreSQL has of an account. seq: the shard's last event that is projected."""

    seq: int
    account: queries.AccountRow | None
    positions: list[queries.PositionRow]


class AccountFeed:
    """One per account and process, for as long as any socket listens; used on the loop only.

    The account as PostgreSQL has it is brought forward by the events that came after, so the tables may be behind
    the events, or ahead of them: what they have is not sent again, what they do not have yet is remembered.
    """

    def __init__(self, state: AppState, account_id: str) -> None:
        self.account_id = account_id
        self.holders: set[SocketOutbox] = set()
        self._app = state
        self._shard = state.outcomes.shard_of(account_id)
        self._state = AccountState(account_id, state.prices, state.sent)
        self._readers: set[SocketOutbox] = set()
        self._recent: deque[tuple[int, str]] = deque(maxlen=RECENT_MAX)
        self._waiting: list[AccountEvent] = []
        self._loaded = False
        self._loading: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None

    @property
    def seq(self) -> int:
        """Number of the account's last event."""
        return self._state.seq

    @property
    def failed(self) -> bool:
        """Whether it could not be loaded."""
        loading = self._loading
        return loading is not None and loading.done() and (loading.cancelled() or loading.exception() is not None)

    async def load(self) -> None:
        """Be ready to give a snapshot of the account; ApiError where the tables are too far behind for that."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    def subscribe(self, outbox: SocketOutbox) -> None:
        """Send a socket the account's snapshot, and every event from there on."""
        snapshot = WsAccountSnapshot(
            channel=ACCOUNT, seq=self._state.seq, ts=text_of(now()), data=self._state.snapshot()
        )
        outbox.put(snapshot.model_dump_json())
        self._readers.add(outbox)

    async def missed(self, after: int) -> list[str] | None:
        """Give the messages behind a number: null where they are too many, or cannot be had.

        They reach to this moment; what is awaited before they are passed on would leave a gap.
        """
        started = monotonic()
        while after > self._state.seq:
            # Another process has sent the client what this one will read in a moment; or the number is none of ours.
            if after - self._state.seq > MISSED_MAX or monotonic() > started + AHEAD_S:
                return None
            await asyncio.sleep(PAUSE_S)
        older: list[str] = []
        while True:
            last = after + len(older)
            first_recent = self._recent[0][0] if self._recent else self._state.seq + 1
            if last + 1 >= first_recent:
                return older + [text for seq, text in self._recent if seq > last]
            if self._state.seq - after > MISSED_MAX or monotonic() > started + PATIENCE_S:
                return None
            found = await events_after(self._app, self.account_id, last, first_recent)
            for number, (seq, time, update) in enumerate(found, last + 1):
                if seq != number:
                    return None  # The table began later than the account.
                if seq == self._state.seq:
                    update = update.model_copy(update={"account": self._state.account()})  # noqa: PLW2901
                older.append(_text(seq, time, update))
            if not found:
                await asyncio.sleep(PAUSE_S)

    def resume(self, outbox: SocketOutbox, missed: list[str] | None) -> None:
        """Send a socket what `missed` has just given, and what comes next; null: a snapshot in place of it."""
        if missed is None:
            outbox.put(WsResync(channel=ACCOUNT, ts=text_of(now())).model_dump_json())
            self.subscribe(outbox)
            return
        for text in missed:
            outbox.put(text)
        self._readers.add(outbox)

    def unsubscribe(self, outbox: SocketOutbox) -> None:
        """Send this socket no more."""
        self._readers.discard(outbox)

    def close(self) -> None:
        """Listen no more."""
        if self._loading is not None and not self._loading.done():
            self._loading.cancel()
        if self._subscription is not None:
            self._subscription.cancel()

    async def _load(self) -> None:
        subscription = self._subscription = self._app.bus.subscribe(self.account_id, self._take)
        # Behind it everything is in `past`, or will be delivered.
        floor = self._app.bus.floor(self._shard)
        give_up = monotonic() + PATIENCE_S
        stored = await self._app.database.ask_consistently(self._stored)
        if stored.account is None:
            # Whoever has just registered need not know that the tables are a moment behind.
            await catch_up(self._app.database, self._app.outcomes, self._shard)
            stored = await self._app.database.ask_consistently(self._stored)
        while stored.seq < floor:
            if monotonic() > give_up:
                raise ApiError(PROJECTION_BEHIND, "The tables are too far behind to say how the account stands")
            await asyncio.sleep(PAUSE_S)
            stored = await self._app.database.ask_consistently(self._stored)
        if stored.account is not None:
            self._state.start_from(stored.account, stored.positions)
        self._loaded = True
        for event in (*subscription.past, *self._waiting):
            self._take(event)
        self._waiting.clear()

    def _stored(self, db: Connection) -> _StoredAccount:
        account, positions = queries.account(db, self.account_id), queries.open_positions(db, self.account_id)
        return _StoredAccount(queries.projected_seq(db, self._shard), account, positions[::-1])

    def _take(self, event: AccountEvent) -> None:
        if not self._loaded:
            self._waiting.append(event)
        elif event.account_seq > self._state.seq:
            update = self._state.apply(event)
            text = _text(event.account_seq, event.event.time, update)
            self._recent.append((event.account_seq, text))
            for outbox in self._readers:
                outbox.put(text)


def _text(seq: int, time: int, update: AccountUpdate) -> str:
    return WsAccountUpdate(channel=ACCOUNT, seq=seq, ts=text_of(time), data=update).model_dump_json()
