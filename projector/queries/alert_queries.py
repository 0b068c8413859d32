"""Which statements the API makes about price alerts: users make, read and delete them, and the projector triggers them.

Every function takes an open Connection and is one statement. Prices are in ticks, times in microseconds UTC.
"""

from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Select,
    delete,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from projector.queries.answers import Page, page_of
from projector.tables.kept_tables import alerts
from projector.tables.ledger_tables import progress
from schemas.sharding import PRICE_SHARD
from schemas.units import INT64_MAX

Direction = Literal["above", "below"]
Status = Literal["active", "triggered"]
Trigger = tuple[int, int]  # `triggered_seq` and `number`: the order in which alerts trigger


class NewAlert(NamedTuple):
    """An alert as it is made."""

    alert_id: UUID
    account_id: str
    symbol: str
    direction: Direction
    price: int
    note: str | None
    created_at: int


class AlertRow(NamedTuple):
    """An alert. triggered_…: null while it is active; triggered_mid: bid + ask of the tick that reached the price."""

    alert_id: UUID
    number: int
    account_id: str
    symbol: str
    direction: Direction
    price: int
    note: str | None
    created_at: int
    triggered_seq: int | None
    triggered_at: int | None
    triggered_mid: int | None


_ROW: Final = tuple(alerts.c[name] for name in AlertRow._fields)
_ACTIVE: Final = alerts.c.triggered_seq.is_(None)


def add_alert(
    db: Connection, alert: NewAlert, *, seen: int, most: int, provided: ColumnElement[bool]
) -> AlertRow | None:
    """Store an alert for which every tick counts that comes after the event `seen` of shard 0.

    Null where a tick after that is projected already, and would be missed; where nothing of that shard is projected;
    where the account has `most` active ones, or one of this id; and where what is `provided` does not hold.

    The row of the shard's progress is what keeps this and a batch apart. The projector looks for alerts after it has
    changed that row, so either this waits for the batch and then compares with what it changed, or the batch waits
    for this and finds the alert.
    """
    values = alert._asdict() | {"from_seq": seen}
    columns = [alerts.c[name] for name in values]
    active = select(func.count()).select_from(alerts).where(alerts.c.account_id == alert.account_id, _ACTIVE)
    row = (
        select(*(literal(value, column.type) for column, value in zip(columns, values.values(), strict=True)))
        .select_from(progress)
        .where(progress.c.shard == PRICE_SHARD, progress.c.seq <= seen)
        .where(active.scalar_subquery() < most, provided)
        .with_for_update(read=True, of=progress)
    )
    statement = insert(alerts).from_select(columns, row).on_conflict_do_nothing(index_elements=[alerts.c.alert_id])
    found = db.execute(statement.returning(*_ROW)).one_or_none()
    return None if found is None else AlertRow(*found)


def alert_page(
    db: Connection, account_id: str, *, status: Status | None = None, limit: int = 50, before: int | None = None
) -> Page[AlertRow]:
    """List an account's alerts, the last made first."""
    query = _of(account_id)
    if status is not None:
        query = query.where(_ACTIVE if status == "active" else alerts.c.triggered_seq.is_not(None))
    if before is not None:
        query = query.where(alerts.c.number < before)
    found = db.execute(query.order_by(alerts.c.number.desc()).limit(limit + 1))
    items = [AlertRow(*row) for row in found]
    return page_of(items, limit, [row.number for row in items])


def active_count(db: Connection, account_id: str) -> int:
    """Count an account's active alerts."""
    query = select(func.count()).select_from(alerts).where(alerts.c.account_id == account_id, _ACTIVE)
    return int(db.execute(query).scalar_one())


def find_alert(db: Connection, account_id: str, alert_id: UUID) -> AlertRow | None:
    """Give one of the account's alerts."""
    row = db.execute(_of(account_id).where(alerts.c.alert_id == alert_id)).one_or_none()
    return None if row is None else AlertRow(*row)


def remove_alert(db: Connection, account_id: str, alert_id: UUID) -> bool:
    """Delete one of the account's alerts; false where it has none of this id."""
    statement = delete(alerts).where(alerts.c.account_id == account_id, alerts.c.alert_id == alert_id)
    return db.execute(statement.returning(alerts.c.alert_id)).scalar_one_or_none() is not None


def deletion_of_alerts(account_ids: Select[tuple[str]]) -> Delete:
    """Give the statement that deletes all alerts of these accounts, to be part of another one."""
    return delete(alerts).where(alerts.c.account_id.in_(account_ids))


def last_trigger(db: Connection) -> Trigger:
    """Give a place behind all that has triggered, and before all that will; in the transaction of other questions."""
    triggered = select(func.max(alerts.c.triggered_seq)).where(alerts.c.triggered_seq.is_not(None)).scalar_subquery()
    # After a rebuild began, the shard is projected less far than the alerts remember.
    seq = select(func.greatest(triggered, func.max(progress.c.seq), 0)).where(progress.c.shard == PRICE_SHARD)
    return int(db.execute(seq).scalar_one()), INT64_MAX


def triggered_after(db: Connection, place: Trigger, limit: int) -> list[AlertRow]:
    """List what triggered behind a place, whose ever it is, in the order in which it did."""
    order: Any = tuple_(alerts.c.triggered_seq, alerts.c.number)
    query = select(*_ROW).where(
        alerts.c.triggered_seq.is_not(None), order > tuple_(*(literal(part, BigInteger) for part in place))
    )
    found = db.execute(query.order_by(alerts.c.triggered_seq, alerts.c.number).limit(limit))
    return [AlertRow(*row) for row in found]


def _of(account_id: str) -> Select[Any]:
    return select(*_ROW).where(alerts.c.account_id == account_id)
