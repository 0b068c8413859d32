"""How what a batch says of the market is merged into its tables: a handful of rows, whatever the batch."""

from typing import Final

from msgspec.structs import asdict
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from projector.tables.market_tables import candles, feed, instruments, prices
from projector.tables.rows import StoredFeed
from projector.write.market_rows import MarketRows, Price
from schemas.events import FeedSelected
from schemas.messages import Instrument, MarketStatus
from schemas.record import fields_of


def _add_to_candles() -> Insert:
    """Add to minutes that an earlier batch began: their opening stays."""
    statement = insert(candles)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["symbol", "start"],
        set_={
            "high": func.greatest(candles.c.high, new.high),
            "low": func.least(candles.c.low, new.low),
            "close": new.close,
            "ticks": candles.c.ticks + new.ticks,
            "source": new.source,
        },
    )


def _replace_prices() -> Insert:
    statement = insert(prices)
    replaced = {name: statement.excluded[name] for name in Price.__struct_fields__ if name != "symbol"}
    return statement.on_conflict_do_update(index_elements=["symbol"], set_=replaced)


# Asked with every batch of prices, so they are put together once.
_ADD_TO_CANDLES: Final = _add_to_candles()
_REPLACE_PRICES: Final = _replace_prices()


def write_market(db: Connection, market: MarketRows) -> None:
    """Write prices, candles, feed and instruments; instruments first, for a status may be of a new one."""
    if market.instruments:
        _write_instruments(db, list(market.instruments.values()))
    for symbol, status in market.statuses.items():
        _write_status(db, symbol, status)
    if market.feed is not None:
        _write_feed(db, market.feed)
    if market.candles:
        db.execute(_ADD_TO_CANDLES, [asdict(candle) for candle in market.candles.values()])
    if market.moved:
        db.execute(_REPLACE_PRICES, [asdict(market.prices[symbol]) for symbol in sorted(market.moved)])


def _write_instruments(db: Connection, defined: list[Instrument]) -> None:
    """Add instruments behind those there are, or change those; a status is not theirs to change."""
    count = db.execute(select(func.count()).select_from(instruments)).scalar_one()
    for number, instrument in enumerate(defined):
        fields = fields_of(instrument)
        statement = insert(instruments).values(ordinal=count + number, status="open", **fields)
        db.execute(statement.on_conflict_do_update(index_elements=["symbol"], set_=fields))


def _write_status(db: Connection, symbol: str, status: MarketStatus) -> None:
    db.execute(update(instruments).where(instruments.c.symbol == symbol).values(status=status))


def _write_feed(db: Connection, selected: FeedSelected) -> None:
    row = StoredFeed(True, selected.name, selected.run, selected.live, selected.time)._asdict()
    replaced = {name: value for name, value in row.items() if name != "one"}
    db.execute(insert(feed).values(row).on_conflict_do_update(index_elements=["one"], set_=replaced))
