"""What administrators see: parameters, exposure, what would be liquidated next, the feed, and who is behind."""

from typing import Final

from api.admin.schemas import (
    AllParameters,
    Exposure,
    Exposures,
    FeedPrice,
    FeedReply,
    Ladder,
    Lag,
    MarketExposure,
    Parameters,
    Rung,
    ShardLag,
)
from api.http.amounts import money, parameters_of, price, price_or_null, quantity
from api.http.times import now, text_of
from api.log.engine_lag import EngineLag
from api.log.outcomes import Outcomes
from api.log.price_cache import PriceCache
from api.store.database import Database
from projector import queries
from schemas.messages import Instrument
from schemas.units import render

MOVES_BPS: Final = (100, 200, 300, 500, 1_000, 1_500, 2_000, 3_000, 5_000)
PERCENT_EXPONENT: Final = 2
MILLISECOND: Final = 1_000


def parameters(prices: PriceCache) -> AllParameters:
    """List the instruments with all there is about them."""
    return AllParameters(items=[_parameters(prices, instrument) for instrument in prices.instruments.values()])


async def exposure(database: Database, prices: PriceCache) -> Exposures:
    """Sum what clients hold in each market."""
    rows = {(row.symbol, row.side): row for row in await database.ask(queries.exposure)}
    items = []
    for symbol, instrument in prices.instruments.items():
        long, short = rows.get((symbol, "long")), rows.get((symbol, "short"))
        net = (long.quantity if long else 0) - (short.quantity if short else 0)
        profit = (long.unrealized_pnl if long else 0) + (short.unrealized_pnl if short else 0)
        items.append(
            MarketExposure(
                symbol=symbol,
                long=_exposure(instrument, long),
                short=_exposure(instrument, short),
                net_quantity=quantity(instrument, net),
                unrealized_pnl=money(profit),
            )
        )
    return Exposures(items=items)


async def ladder(database: Database, prices: PriceCache) -> Ladder:
    """Tell what each move of a price would liquidate."""
    rows = await database.ask(lambda db: queries.liquidation_ladder(db, MOVES_BPS))
    return Ladder(
        items=[
            Rung(
                symbol=row.symbol,
                side=row.side,
                move=render(row.move_bps, PERCENT_EXPONENT),
                price=price(prices.instruments[row.symbol], row.price),
                positions=row.positions,
                entry_notional=money(row.entry_notional),
                margin=money(row.margin),
            )
            for row in rows
        ]
    )


async def feed(database: Database, prices: PriceCache) -> FeedReply:
    """Tell whose prices count and what each is worth."""
    selected, rows = await database.ask(lambda db: (queries.last_feed(db), queries.last_prices(db)))
    moment = now()
    return FeedReply(
        name=None if selected is None else selected.name,
        run=None if selected is None else selected.run,
        live=None if selected is None else selected.live,
        selected_at=None if selected is None else text_of(selected.selected_at),
        prices=[_price(instrument, rows.get(symbol), moment) for symbol, instrument in prices.instruments.items()],
    )


async def lag(database: Database, outcomes: Outcomes, engine_lag: EngineLag) -> Lag:
    """Tell how far every part is behind the one before it."""
    rows = {row.shard: row for row in await database.ask(queries.progress)}
    moment = now()
    return Lag(
        broker_answers=engine_lag.broker_answers(),
        shards=[_lag(outcomes, engine_lag, shard, rows.get(shard), moment) for shard in range(outcomes.shards)],
    )


def _parameters(prices: PriceCache, instrument: Instrument) -> Parameters:
    age_max = instrument.open_age_max
    return Parameters.model_validate(
        parameters_of(instrument)
        | {
            "status": prices.status(instrument.symbol),
            "open_age_max_ms": None if age_max is None else age_max // MILLISECOND,
        }
    )


def _exposure(instrument: Instrument, row: queries.ExposureRow | None) -> Exposure:
    return Exposure(
        positions=row.positions if row else 0,
        quantity=quantity(instrument, row.quantity if row else 0),
        entry_notional=money(row.entry_notional if row else 0),
        margin=money(row.margin if row else 0),
        unrealized_pnl=money(row.unrealized_pnl if row else 0),
    )


def _price(instrument: Instrument, row: queries.PriceRow | None, moment: int) -> FeedPrice:
    heard_at = None if row is None else row.heard_at
    return FeedPrice(
        symbol=instrument.symbol,
        state=queries.price_state_of(row, moment),
        bid=price_or_null(instrument, None if row is None else row.bid),
        ask=price_or_null(instrument, None if row is None else row.ask),
        source_time=None if row is None or row.source_time is None else text_of(row.source_time),
        heard_at=None if heard_at is None else text_of(heard_at),
        age_ms=None if heard_at is None else max(0, moment - heard_at) // MILLISECOND,
        held_bid=price_or_null(instrument, None if row is None else row.held_bid),
        held_ask=price_or_null(instrument, None if row is None else row.held_ask),
    )


def _lag(
    outcomes: Outcomes, engine_lag: EngineLag, shard: int, row: queries.ProjectionProgress | None, moment: int
) -> ShardLag:
    events = outcomes.seq(shard)
    projected = 0 if row is None else row.seq
    behind = engine_lag.is_behind(shard) or projected < events
    return ShardLag(
        shard=shard,
        commands=engine_lag.end(shard),
        executed=outcomes.command_offset(shard) + 1,
        events=events,
        projected=projected,
        projection_lag=max(0, events - projected),
        projection_age_ms=None if row is None or not row.current_at else max(0, moment - row.current_at) // MILLISECOND,
        state="behind" if behind else "level",
    )
