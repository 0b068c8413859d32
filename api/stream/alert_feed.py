"""How price alerts reach their owners' sockets: the active ones first, then each that triggers, in whatever process."""

import asyncio
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.alerts.schemas import alert_reply
from api.app_state import AppState
from api.http.cursors import LIMIT_MAX
from api.http.times import now, text_of
from api.stream.channels import ALERTS
from api.stream.outbox import SocketOutbox
from api.stream.schemas import WsAlertsSnapshot, WsAlertsUpdate
from projector.queries import alert_queries
from projector.queries.alert_queries import AlertRow, Trigger

LOOK_S: Final = 0.5  # how often is looked for what triggered, while anybody listens
PAUSE_S: Final = 2.0  # while the database does not answer
ROWS_MAX: Final = 500  # read at once


class _StoredAlerts(NamedTuple):
    """An account's active alerts. place: behind all that had triggered by then."""

    place: Trigger
    active: list[AlertRow]


class _Reader:
    """A socket's subscription. place: behind what it was sent; listens: its snapshot was sent."""

    def __init__(self, account_id: str, stored: _StoredAlerts) -> None:
        self.account_id = account_id
        self.place = stored.place
        self.active = stored.active
        self.listens = False


class AlertFeed:
    """One per process; used on the loop only. PostgreSQL knows what triggered, so every process sees it."""

    def __init__(self, state: AppState) -> None:
        self._app = state
        self._readers: dict[SocketOutbox, _Reader] = {}
        self._has_readers = asyncio.Event()

    async def prepare(self, account_id: str, outbox: SocketOutbox) -> None:
        """Be ready to send a socket an account's alerts; SQLAlchemyError where that cannot be."""
        database = self._app.database
        self._readers[outbox] = _Reader(account_id, await database.ask_consistently(lambda db: _stored(db, account_id)))

    def subscribe(self, outbox: SocketOutbox) -> None:
        """Send a socket the alerts that were active, and each that has triggered since or will."""
        reader = self._readers[outbox]
        data = [alert_reply(row, self._app.prices.instruments) for row in reader.active]
        seq, _ = reader.place
        outbox.put(WsAlertsSnapshot(channel=ALERTS, seq=seq, ts=text_of(now()), data=data).model_dump_json())
        reader.active = []
        reader.listens = True
        self._has_readers.set()

    def unsubscribe(self, outbox: SocketOutbox) -> None:
        """Send this socket no more."""
        self._readers.pop(outbox, None)

    async def publish_for_ever(self) -> None:
        """Send what triggers, for as long as any socket listens."""
        while True:
            await self._has_readers.wait()
            pause = LOOK_S
            try:
                if not await self._publish():
                    self._has_readers.clear()
            except SQLAlchemyError as error:
                structlog.get_logger().warning("alerts not looked up", error=str(error))
                pause = PAUSE_S
            await asyncio.sleep(pause)

    async def _publish(self) -> bool:
        """Send all that has triggered by now; false where no socket listens."""
        while True:
            listening = [reader.place for reader in self._readers.values() if reader.listens]
            if not listening:
                return False
            place = min(listening)
            rows = await self._app.database.ask(
                lambda db: alert_queries.triggered_after(db, place, ROWS_MAX)  # noqa: B023  # Awaited here.
            )
            for outbox, reader in self._readers.items():
                # A reader that came with an earlier place meanwhile is served the next time, and misses nothing.
                if reader.listens and reader.place >= place:
                    self._publish_to(outbox, reader, rows)
            if len(rows) < ROWS_MAX:
                return True

    def _publish_to(self, outbox: SocketOutbox, reader: _Reader, rows: list[AlertRow]) -> None:
        for row in rows:
            assert row.triggered_seq is not None, "it was asked for as triggered"
            assert row.triggered_at is not None, "it was asked for as triggered"
            trigger = row.triggered_seq, row.number
            if trigger <= reader.place:
                continue
            reader.place = trigger
            if row.account_id == reader.account_id:
                data = alert_reply(row, self._app.prices.instruments)
                message = WsAlertsUpdate(channel=ALERTS, seq=row.triggered_seq, ts=text_of(row.triggered_at), data=data)
                outbox.put(message.model_dump_json())


def _stored(db: Connection, account_id: str) -> _StoredAlerts:
    active = alert_queries.alert_page(db, account_id, status="active", limit=LIMIT_MAX)
    return _StoredAlerts(alert_queries.last_trigger(db), active.items)
