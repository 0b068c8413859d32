"""What administrators see: parameters, exposure, what would be liquidated next, the fund, accounts, who is behind."""

from typing import Final

from api.admin.schemas import (
    AllParameters,
    Exposure,
    Exposures,
    FeedPrice,
    FeedReply,
    InsuranceFund,
    JointRung,
    Ladder,
    Lag,
    ListedAccount,
    ListedAccounts,
    MarketExposure,
    Parameters,
    Rung,
    ShardFund,
    ShardLag,
)
from api.http.amounts import margin_level, money, parameters_of, price, price_or_null, quantity
from api.http.cursors import read_named_cursor, write_named_cursor
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
        net_notional = _notional(long) - _notional(short)
        profit = (long.unrealized_pnl if long else 0) + (short.unrealized_pnl if short else 0)
        items.append(
            MarketExposure(
                symbol=symbol,
                long=_exposure(instrument, long),
                short=_exposure(instrument, short),
                net_quantity=quantity(instrument, net),
                net_notional=money(net_notional),
                unrealized_pnl=money(profit),
            )
        )
    return Exposures(items=items)


async def ladder(database: Database, prices: PriceCache) -> Ladder:
    """Tell what each move of a price would liquidate."""
    found = await database.ask_consistently(lambda db: queries.liquidation_ladder(db, MOVES_BPS))
    return Ladder(
        items=[
            Rung(
                symbol=row.symbol,
                side=row.side,
                move=render(row.move_bps, PERCENT_EXPONENT),
                price=price(prices.instruments[row.symbol], row.price),
                positions=row.positions,
                accounts=row.accounts,
                entry_notional=money(row.entry_notional),
                margin=money(row.margin),
                notional=money(row.notional),
                shortfall=money(row.shortfall),
            )
            for row in found.by_symbol
            if row.symbol in prices.instruments
        ],
        together=[
            JointRung(
                side=row.side,
                move=render(row.move_bps, PERCENT_EXPONENT),
                positions=row.positions,
                accounts=row.accounts,
                entry_notional=money(row.entry_notional),
                margin=money(row.margin),
                notional=money(row.notional),
                shortfall=money(row.shortfall),
            )
            for row in found.together
        ],
    )


async def insurance_fund(database: Database, shards: int) -> InsuranceFund:
    """Give what the insurance fund of each shard holds, and all of them."""
    rows = {row.shard: row for row in await database.ask(queries.insurance_funds)}
    funds = [
        rows.get(shard) or queries.InsuranceRow(shard, received=0, paid=0, written_off=0) for shard in range(shards)
    ]
    received, paid = sum(fund.received for fund in funds), sum(fund.paid for fund in funds)
    return InsuranceFund(
        balance=money(received - paid),
        received=money(received),
        paid=money(paid),
        written_off=money(sum(fund.written_off for fund in funds)),
        shards=[
            ShardFund(
                shard=fund.shard,
                balance=money(fund.received - fund.paid),
                received=money(fund.received),
                paid=money(fund.paid),
                written_off=money(fund.written_off),
            )
            for fund in funds
        ],
    )


async def accounts(database: Database, account_id: str | None, limit: int, cursor: str | None) -> ListedAccounts:
    """List the accounts, the last opened first, without anything of their users."""
    question = f"accounts~{account_id or ''}"
    before = read_named_cursor(question, cursor)
    found = await database.ask(
        lambda db: queries.account_summaries(db, account_id=account_id, limit=limit, before=before)
    )
    shown = found[:limit]
    more = write_named_cursor(question, shown[-1].opened_at, shown[-1].account_id) if len(found) > limit else None
    return ListedAccounts(items=[_account(row) for row in shown], next_cursor=more)


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


def _account(row: queries.AccountSummary) -> ListedAccount:
    balance = row.cash + row.used_margin
    equity = balance + row.unrealized_pnl
    return ListedAccount(
        account_id=row.account_id,
        opened_at=text_of(row.opened_at),
        balance=money(balance),
        equity=money(equity),
        used_margin=money(row.used_margin),
        free_margin=money(row.cash),
        margin_level=margin_level(equity, row.used_margin),
        unrealized_pnl=money(row.unrealized_pnl),
        open_positions=row.open_positions,
    )


def _notional(row: queries.ExposureRow | None) -> int:
    """Give what the positions of a side are worth at the last price, from what they entered at and have gained."""
    if row is None:
        return 0
    return row.entry_notional + (row.unrealized_pnl if row.side == "long" else -row.unrealized_pnl)


def _exposure(instrument: Instrument, row: queries.ExposureRow | None) -> Exposure:
    return Exposure(
        positions=row.positions if row else 0,
        quantity=quantity(instrument, row.quantity if row else 0),
        entry_notional=money(row.entry_notional if row else 0),
        notional=money(_notional(row)),
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
