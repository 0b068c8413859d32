"""Which price alerts a batch triggers, and how that is noted: each once, by the first tick that reached its price."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select, true, union_all, update
from sqlalchemy.dialects.postgresql import ARRAY

from projector.tables.kept_tables import alerts
from projector.write.market_rows import TickSpan

# Asked with every batch of prices, so they are put together once.
_moved: Final = (
    func.unnest(
        bindparam("symbols", type_=ARRAY(Text)),
        bindparam("highs", type_=ARRAY(BigInteger)),
        bindparam("lows", type_=ARRAY(BigInteger)),
        bindparam("seqs", type_=ARRAY(BigInteger)),
    )
    .table_valued("symbol", "high", "low", "seq")
    .render_derived(name="moved")
)
_active: Final = select(
    *(alerts.c[name] for name in ("alert_id", "symbol", "direction", "price", "from_seq")),
).where(alerts.c.symbol == _moved.c.symbol, alerts.c.triggered_seq.is_(None), alerts.c.from_seq < _moved.c.seq)
# Each way by itself, so that the index leads to the price: the others that wait are not read.
_near: Final = union_all(
    _active.where(alerts.c.direction == "above", alerts.c.price <= _moved.c.high).correlate(_moved),
    _active.where(alerts.c.direction == "below", alerts.c.price >= _moved.c.low).correlate(_moved),
).lateral("near")
_WITHIN_REACH: Final = select(_near).select_from(_moved.join(_near, true())).order_by(_near.c.alert_id)
_TRIGGER: Final = (
    update(alerts)
    .where(alerts.c.alert_id == bindparam("triggered"), alerts.c.triggered_seq.is_(None))
    .values(triggered_seq=bindparam("seq"), triggered_at=bindparam("at"), triggered_mid=bindparam("mid"))
)


def trigger_alerts(db: Connection, spans: Mapping[str, Sequence[TickSpan]]) -> None:
    """Trigger the active alerts that a tick after their making reached. spans: a symbol's accepted ticks, in order.

    Must come after the shard's progress was written in this transaction: see `alert_queries.add_alert`.
    """
    triggered = []
    for alert in _within_reach(db, spans) if spans else ():
        ticks = spans[alert.symbol]
        for tick in ticks[bisect_right(ticks, alert.from_seq, key=attrgetter("seq")) :]:
            mid = tick.high if alert.direction == "above" else tick.low
            if mid >= 2 * alert.price if alert.direction == "above" else mid <= 2 * alert.price:
                triggered.append({"triggered": alert.alert_id, "seq": tick.seq, "at": tick.time, "mid": mid})
                break
    if triggered:
        db.execute(_TRIGGER, triggered)


def _within_reach(db: Connection, spans: Mapping[str, Sequence[TickSpan]]) -> Sequence[Any]:
    """Find the active alerts whose price lies in the whole batch's range: none, as a rule, by one look at an index."""
    symbols = sorted(spans)
    ranges = {
        "symbols": symbols,
        # An alert's price is in ticks, a range is of bid + ask: the last price it reaches, without an overflow.
        "highs": [max(tick.high for tick in spans[symbol]) // 2 for symbol in symbols],
        "lows": [-(-min(tick.low for tick in spans[symbol]) // 2) for symbol in symbols],
        "seqs": [spans[symbol][-1].seq for symbol in symbols],
    }
    return db.execute(_WITHIN_REACH, ranges).all()
