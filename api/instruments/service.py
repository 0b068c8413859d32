"""How instruments are written."""

from api.http.amounts import leverage, money, price, quantity, rate
from api.instruments.schemas import AccountRules, InstrumentReply, Instruments
from api.log.broadcasts import Broadcasts
from api.log.price_cache import PriceCache
from api.pretrade.details import open_age_max, open_positions_max
from api.pretrade.standing import BALANCE_MAX, DEPOSIT_DAY_MAX
from schemas.bounds import PRICE_AGE_MAX
from schemas.messages import Instrument

MILLISECOND = 1_000  # µs


async def all_of(prices: PriceCache, broadcasts: Broadcasts) -> Instruments:
    """List the instruments, by the oldest rules that a shard goes on by."""
    version = min([await broadcasts.in_force(shard) for shard in broadcasts.shards])
    limits = [await broadcasts.positions_max(shard) for shard in broadcasts.shards]
    return Instruments(
        items=[_written(prices, instrument, version) for instrument in prices.instruments.values()],
        rules_version=version,
        account=AccountRules(
            open_positions_max=open_positions_max(limits[0] if len(set(limits)) == 1 else None, version),
            deposits_of_a_day_max=money(DEPOSIT_DAY_MAX),
            balance_max=money(BALANCE_MAX),
        ),
    )


def _written(prices: PriceCache, instrument: Instrument, rules_version: int) -> InstrumentReply:
    age_max = open_age_max(instrument, rules_version)
    return InstrumentReply(
        symbol=instrument.symbol,
        status=prices.status(instrument.symbol),
        tick_size=price(instrument, 1),
        lot_size=quantity(instrument, 1),
        price_decimals=instrument.tick_exponent,
        quantity_decimals=instrument.lot_exponent,
        quantity_min=quantity(instrument, instrument.quantity_min),
        quantity_max=quantity(instrument, instrument.quantity_max),
        leverage_min=leverage(instrument.leverage_min),
        leverage_max=leverage(instrument.leverage_max),
        fee_rate=rate(instrument.fee_rate),
        maintenance_rate=rate(instrument.maintenance_rate),
        margin_floor_rate=rate(instrument.margin_floor_rate),
        liquidation_fee_rate=rate(instrument.liquidation_fee_rate),
        slippage_bps=instrument.slippage_bps,
        notional_max=money(instrument.notional_max),
        account_notional_max=money(instrument.account_notional_max),
        side_notional_max=money(instrument.side_notional_max),
        spread_max=rate(instrument.spread_max),
        jump_max=rate(instrument.jump_max),
        stale_after_ms=PRICE_AGE_MAX // MILLISECOND,
        open_age_max_ms=None if age_max is None else age_max // MILLISECOND,
    )
