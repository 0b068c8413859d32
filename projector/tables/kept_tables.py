"""Which tables no event would bring back: a rebuild leaves them, and the audit has nothing to compare them with."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table, Text, Uuid

from projector.tables.columns import metadata, number, number_or_null, word, word_or_null

# Minutes before a symbol's first candle, of a source of their own; no event tells them. None has a tick of ours.
candle_history = Table(
    "candle_history",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    number("open"),
    number("high"),
    number("low"),
    number("close"),
    word("source"),
)

# Users make and delete them; the projector triggers them, each once. from_seq: of shard 0, whose events after it count;
# triggered_mid: bid + ask, the furthest within the tick that reached the price. created_at: the API's clock.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    word("account_id"),
    word("symbol"),
    word("direction"),
    number("price"),
    word_or_null("note"),
    number("created_at"),
    number("from_seq"),
    number_or_null("triggered_seq"),
    number_or_null("triggered_at"),
    number_or_null("triggered_mid"),
    CheckConstraint("direction IN ('above', 'below')", name="direction"),
    CheckConstraint("num_nulls(triggered_seq, triggered_at, triggered_mid) IN (0, 3)", name="triggered"),
)
Index(None, alerts.c.account_id, alerts.c.number)
Index("alerts_active_idx", alerts.c.account_id, alerts.c.number, postgresql_where=alerts.c.triggered_seq.is_(None))
Index(
    "alerts_waiting_idx",
    alerts.c.symbol,
    alerts.c.direction,
    alerts.c.price,
    postgresql_where=alerts.c.triggered_seq.is_(None),
)
Index(
    "alerts_triggered_idx",
    alerts.c.triggered_seq,
    alerts.c.number,
    postgresql_where=alerts.c.triggered_seq.is_not(None),
)

KEPT: Final = (candle_history, alerts)
