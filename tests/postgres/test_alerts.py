"""A price alert triggers once, by the first tick after its making that reached it, through any batches."""

import random
import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, insert, select, true

from projector.queries import alert_queries
from projector.queries.alert_queries import AlertRow, Direction, NewAlert
from projector.rebuild import rebuild
from projector.tables import kept_tables, ledger_tables
from projector.write.chain import ChainEntry
from projector.write.writer import Writer
from runtime.settings import Settings
from schemas.commands import UpdatePrices
from schemas.events import PricesUpdated
from schemas.messages import Tick
from schemas.units import Ticks, Timestamp
from tests.postgres.tables_content import content
from tests.postgres.test_queries import project
from tests.processes import eventually
from tests.projector.streams import SECOND, START_PRICES, Exchange

BTC = "BTC_USDC"
MID = START_PRICES[BTC] + 1  # ticks; of a bid of START_PRICES and an ask two ticks above
MOST = 3


class Market:
    """An exchange of four shards, its tables, and BTC at MID; alerts are made as of what was projected."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.exchange = Exchange()
        self.exchange.open_markets()
        self.writer = Writer(engine, 4)
        self._written = 0
        self.project()

    def tick(self, *mids: int, low: int | None = None, high: int | None = None, shards: range = range(4)) -> None:
        """Prices one after the other; low and high: how far the mid went between the one before and this one."""
        for mid in mids:
            self.exchange.time += SECOND
            self.exchange.source_time += 600_000
            tick = Tick(
                symbol=BTC,
                bid=Ticks(mid - 1),
                ask=Ticks(mid + 1),
                low=2 * (mid if low is None else low),
                high=2 * (mid if high is None else high),
                source_time=Timestamp(self.exchange.source_time),
                update_id=self.exchange.source_time,
            )
            feed, run = self.exchange.feed
            for shard in shards:
                command = UpdatePrices(feed=feed, run=run, sent_at=self.exchange.time, ticks=(tick,), alive=())
                self.exchange.send(shard, command)

    def project(self, size: int = 1_000_000) -> None:
        """Write what is new, in batches of this size."""
        entries = self.entries()
        for start in range(0, len(entries), size):
            self.writer.write(entries[start : start + size])
        self._written += len(entries)

    def entries(self) -> list[ChainEntry]:
        return self.exchange.entries()[self._written :]

    @property
    def seq(self) -> int:
        return self.exchange.events[0][-1].seq

    def alert(self, direction: Direction, price: int, *, seen: int | None = None) -> UUID:
        """An alert that was made when `seen` was the last event anybody knew of."""
        row = added(self.engine, direction, price, self.seq if seen is None else seen)
        assert row is not None
        assert row.triggered_seq is None
        return row.alert_id

    def triggers(self) -> dict[UUID, tuple[int, int]]:
        """What triggered: the event's seq, and bid + ask."""
        columns = kept_tables.alerts.c
        query = select(columns.alert_id, columns.triggered_seq, columns.triggered_mid)
        with self.engine.connect() as db:
            rows = db.execute(query.where(columns.triggered_seq.is_not(None))).all()
        return {alert_id: (seq, mid) for alert_id, seq, mid in rows}


def new_alert(direction: Direction, price: int, account_id: str) -> NewAlert:
    return NewAlert(uuid4(), account_id, BTC, direction, price, None, 0)


def added(
    engine: Engine, direction: Direction, price: int, seen: int, account_id: str | None = None
) -> AlertRow | None:
    alert = new_alert(direction, price, account_id or str(uuid4()))
    with engine.begin() as db:
        return alert_queries.add_alert(db, alert, seen=seen, most=MOST, provided=true())


@pytest.fixture
def market(engine: Engine) -> Market:
    return Market(engine)


@pytest.fixture
def other(engine: Engine) -> Iterator[Engine]:
    """A connection of another process, as the API has them."""
    other = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    yield other
    other.dispose()


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_an_alert_triggers_once_by_the_first_tick_that_reaches_its_price(market: Market, size: int) -> None:
    above, below = market.alert("above", MID + 10), market.alert("below", MID - 10)
    far = market.alert("above", MID + 10_000)
    begun = market.seq
    market.tick(MID + 9, MID + 12, MID + 20, MID + 10, MID, MID - 10, MID - 30)
    market.project(size)
    assert market.triggers() == {above: (begun + 2, 2 * (MID + 12)), below: (begun + 6, 2 * (MID - 10))}
    told = market.triggers()
    market.tick(MID + 30, MID - 30)
    market.project(size)
    assert market.triggers() == told
    with market.engine.connect() as db:
        time_of = {event.seq: event.time for event in market.exchange.events[0]}
        rows = alert_queries.triggered_after(db, (0, 0), 10)
        assert [(row.alert_id, row.triggered_at) for row in rows] == [
            (above, time_of[begun + 2]),
            (below, time_of[begun + 6]),
        ]
        assert alert_queries.last_trigger(db)[0] == market.seq
    assert far not in told


def test_the_range_of_a_tick_triggers_alerts_at_its_extreme(market: Market) -> None:
    above, below = market.alert("above", MID + 5), market.alert("below", MID - 5)
    market.tick(MID, low=MID - 4, high=MID + 4)
    market.project()
    assert market.triggers() == {}
    market.tick(MID, low=MID - 6, high=MID + 5)
    market.project()
    assert market.triggers() == {above: (market.seq, 2 * (MID + 5)), below: (market.seq, 2 * (MID - 6))}


def test_no_tick_from_before_the_making_of_an_alert_counts_even_where_the_tables_were_behind(market: Market) -> None:
    market.tick(MID + 10, MID)
    seen = market.seq
    early = market.alert("above", MID + 10, seen=seen)
    market.tick(MID + 5, MID + 10, MID)
    market.project()
    assert market.triggers() == {early: (seen + 2, 2 * (MID + 10))}
    late = market.alert("above", MID + 10)
    market.tick(MID + 9)
    market.project()
    assert late not in market.triggers()


def test_only_accepted_ticks_of_shard_0_count(market: Market) -> None:
    market.alert("above", MID + 10)
    market.tick(MID + 20, shards=range(1, 4))
    market.tick(2 * MID)  # Too far at once to be believed: it is held.
    market.project()
    assert not isinstance(market.exchange.events[0][-1], PricesUpdated)
    assert market.triggers() == {}


def test_batches_of_any_size_trigger_the_alerts_a_walk_through_the_ticks_triggers(market: Market) -> None:
    dice = random.Random(3)
    mids = [MID]
    while len(mids) < 400:
        mids.append(mids[-1] + dice.randint(-9, 9))
    begun = market.seq
    market.tick(*mids)
    expected, rows = {}, []
    for _ in range(200):
        seen, direction = begun + dice.randint(0, len(mids)), dice.choice(("above", "below"))
        sign = 1 if direction == "above" else -1
        price = mids[max(0, seen - begun - 1)] + sign * dice.randint(1, 60)
        alert = new_alert(direction, price, "somebody")  # type: ignore[arg-type]  # One of the two.
        rows.append(alert._asdict() | {"from_seq": seen})
        for seq, mid in enumerate(mids, begun + 1):
            if seq > seen and sign * mid >= sign * price:
                expected[alert.alert_id] = (seq, 2 * mid)
                break
    with market.engine.begin() as db:
        db.execute(insert(kept_tables.alerts), rows)
    entries = market.entries()
    while entries:
        size = dice.choice((1, 5, 60, 400))
        market.writer.write(entries[:size])
        entries = entries[size:]
    assert market.triggers() == expected
    assert 50 < len(expected) < 200


def test_a_rebuild_triggers_no_alert_again_and_resets_no_triggered_alert(market: Market) -> None:
    triggered = market.alert("above", MID + 10)
    market.tick(MID + 10, MID)
    market.project()
    waiting = market.alert("above", MID + 10)
    market.tick(MID + 5, MID - 300)
    market.project()
    before = content(market.engine)
    told = market.triggers()
    assert list(told) == [triggered]

    rebuild(Settings.model_validate({"database_url": market.engine.url.render_as_string(hide_password=False)}))
    assert content(market.engine)["alerts"] == before["alerts"]
    with market.engine.connect() as db:
        assert alert_queries.last_trigger(db)[0] == told[triggered][0]
    assert added(market.engine, "below", 1, market.seq) is None  # Nothing says yet how far the tables are.
    project(market.engine, market.exchange)
    assert content(market.engine) == before

    market.writer.load()
    market.tick(MID + 10)
    market.project()
    assert market.triggers() == told | {waiting: (market.seq, 2 * (MID + 10))}


def test_an_alert_is_not_made_when_the_tables_already_have_a_tick_the_alert_would_miss(market: Market) -> None:
    seen = market.seq
    market.tick(MID + 10)
    market.project()
    assert added(market.engine, "above", MID + 5, seen) is None
    assert added(market.engine, "above", MID + 15, market.seq) is not None


def test_an_alert_made_during_a_batch_misses_no_tick(market: Market, other: Engine) -> None:
    """Whichever comes first: the other waits for it, and then knows of it."""
    seen = market.seq
    made: list[AlertRow | None] = []

    def waits_for_somebody() -> int:
        with other.connect() as db:
            return int(db.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one())

    making = threading.Thread(target=lambda: made.append(added(other, "above", MID + 5, seen)))
    with market.engine.begin() as db:
        db.execute(ledger_tables.progress.update().where(ledger_tables.progress.c.shard == 0).values(seq=seen + 1))
        making.start()
        eventually(waits_for_somebody, bool)
    making.join()
    assert made == [None]
    with market.engine.begin() as db:
        db.execute(ledger_tables.progress.update().where(ledger_tables.progress.c.shard == 0).values(seq=seen))

    market.tick(MID + 10)
    writing = threading.Thread(target=market.project)
    first = create_engine(market.engine.url)
    with first.begin() as db:
        alert = new_alert("above", MID + 5, "somebody")
        assert alert_queries.add_alert(db, alert, seen=seen, most=MOST, provided=true()) is not None
        writing.start()
        eventually(waits_for_somebody, bool)
    writing.join()
    first.dispose()
    assert market.triggers() == {alert.alert_id: (seen + 1, 2 * (MID + 10))}


def test_an_account_has_a_maximum_of_active_alerts_and_any_number_of_triggered_alerts(market: Market) -> None:
    for number in range(MOST):
        assert added(market.engine, "above", MID + 1 + number, market.seq, "busy") is not None
    assert added(market.engine, "above", MID + 50, market.seq, "busy") is None
    assert added(market.engine, "above", MID + 50, market.seq, "idle") is not None
    market.tick(MID + 1)
    market.project()
    assert added(market.engine, "above", MID + 50, market.seq, "busy") is not None
    with market.engine.connect() as db:
        assert alert_queries.active_count(db, "busy") == MOST
        page = alert_queries.alert_page(db, "busy", limit=3)
        rest = alert_queries.alert_page(db, "busy", limit=3, before=page.next_cursor)
        assert [row.price - MID for row in (*page.items, *rest.items)] == [50, 3, 2, 1]
        assert rest.next_cursor is None
