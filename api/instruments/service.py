"""How instruments are written."""

from api.http.amounts import money, parameters_of
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
    return InstrumentReply.model_validate(
        parameters_of(instrument)
        | {
            "status": prices.status(instrument.symbol),
            "price_decimals": instrument.tick_exponent,
            "quantity_decimals": instrument.lot_exponent,
            "stale_after_ms": PRICE_AGE_MAX // MILLISECOND,
            "open_age_max_ms": None if age_max is None else age_max // MILLISECOND,
        }
    )
