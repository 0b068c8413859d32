"""How one candle channel goes on: the candle PostgreSQL has, and the ticks after it, folded as the tables fold them."""

import asyncio
from time import monotonic
from typing import Final

from sqlalchemy import Connection

from api.app_state import AppState
from api.candles.service import candle_of
from api.http.problems import PROJECTION_BEHIND, ApiError
from api.http.times import now, text_of
from api.stream.outbox import SocketOutbox
from api.stream.schemas import WsCandleMessage
from projector import queries
from schemas.event_groups import MarketEvent
from schemas.events import PricesUpdated
from schemas.messages import Instrument, Tick
from schemas.sharding import PRICE_SHARD
from schemas.units import SECOND

PATIENCE_S: Final = 10.0
PAUSE_S: Final = 0.1
LATE_MAX: Final = SECOND  # log time is a broker's; a tick of the minute may still be on its way


class CandleFeed:
    """One per interval, symbol and process, for as long as any socket listens; used on the loop only."""

    def __init__(self, state: AppState, channel: str, interval: queries.Interval, instrument: Instrument) -> None:
        self.channel = channel
        self.holders: set[SocketOutbox] = set()
        self.readers: set[SocketOutbox] = set()
        self._app = state
        self._interval = interval
        self._instrument = instrument
        self._current: queries.CandleRow | None = None
        self._closed: list[queries.CandleRow] = []  # since the last messages
        self._has_changed = False
        self._seq = 0
        self._loaded = False
        self._loading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Be ready to give the candle; ApiError where the tables are too far behind for that."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    def close(self) -> None:
        """Load no more."""
        if self._loading is not None and not self._loading.done():
            self._loading.cancel()

    def take(self, event: MarketEvent) -> None:
        """Bring in the next event about the market."""
        if not self._loaded or event.seq <= self._seq:
            return
        self._seq = event.seq
        if isinstance(event, PricesUpdated):
            for tick in event.accepted:
                if tick.symbol == self._instrument.symbol:
                    self._add(tick, event)

    def subscribe(self, outbox: SocketOutbox) -> None:
        """Send a socket the candle as it is, and what becomes of it."""
        outbox.put(self._text("snapshot", self._current))
        self.readers.add(outbox)

    def publish(self) -> None:
        """Send every socket what is new."""
        current = self._current
        if current is not None and not current.closed and self._is_over(current):
            self._current = current = current._replace(closed=True)
            self._has_changed = True
        if not self._loaded or not self._has_changed:
            return
        self._has_changed = False
        closed, self._closed = self._closed, []
        for candle in (*closed, *([] if current is None else [current])):
            text = self._text("update", candle)
            for outbox in self.readers:
                outbox.replace(self.channel, text, candle.start)

    async def _load(self) -> None:
        give_up = monotonic() + PATIENCE_S
        while True:
            seq, current = await self._app.database.ask_consistently(self._stored)
            # Nothing is awaited from here on, so what is delivered next comes right behind these.
            events = self._app.bus.market_after(seq)
            if events is not None:
                break
            if monotonic() > give_up:
                raise ApiError(PROJECTION_BEHIND, "The tables are too far behind to say what the candle is")
            await asyncio.sleep(PAUSE_S)
        self._seq, self._current, self._loaded = seq, current, True
        for event in events:
            self.take(event)
        self._closed.clear()
        self._has_changed = False

    def _stored(self, db: Connection) -> tuple[int, queries.CandleRow | None]:
        moment = now()
        start = queries.candle_start(self._interval, moment)
        rows = queries.candles(db, self._instrument.symbol, self._interval, start, moment + 1, now=moment, limit=1)
        return queries.projected_seq(db, PRICE_SHARD), rows[0] if rows else None

    def _add(self, tick: Tick, event: PricesUpdated) -> None:
        """A tick opens its candle with its own price; its range since the last command belongs to this candle too."""
        start, middle = queries.candle_start(self._interval, event.time), tick.bid + tick.ask
        current = self._current
        if current is not None and start < current.start:
            return  # Of before what the tables were asked for.
        if current is None or start > current.start:
            if current is not None:
                self._closed.append(current._replace(closed=True))
            current = queries.CandleRow(
                symbol=tick.symbol,
                interval=self._interval,
                start=start,
                open=middle,
                high=tick.high,
                low=tick.low,
                close=middle,
                ticks=0,
                closed=False,
                source="simulated",
            )
        self._current = current._replace(
            high=max(current.high, tick.high),
            low=min(current.low, tick.low),
            close=middle,
            ticks=current.ticks + 1,
            source=event.feed,  # type: ignore[arg-type]  # Commands name no other.
        )
        self._has_changed = True

    def _is_over(self, candle: queries.CandleRow) -> bool:
        return queries.candle_end(self._interval, candle.start) + LATE_MAX <= now()

    def _text(self, kind: str, candle: queries.CandleRow | None) -> str:
        data = None if candle is None else candle_of(candle, self._instrument)
        fields = {"channel": self.channel, "seq": self._seq, "ts": text_of(now()), "type": kind, "data": data}
        return WsCandleMessage.model_validate(fields).model_dump_json()
