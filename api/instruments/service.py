"""How instruments are written."""

from api.http.amounts import leverage, price, quantity, rate
from api.instruments.schemas import InstrumentReply, Instruments
from api.log.price_cache import PriceCache


def all_of(prices: PriceCache) -> Instruments:
    """List the instruments."""
    return Instruments(
        items=[
            InstrumentReply(
                symbol=instrument.symbol,
                status=prices.status(instrument.symbol),
                tick_size=price(instrument, 1),
                lot_size=quantity(instrument, 1),
                quantity_min=quantity(instrument, instrument.quantity_min),
                quantity_max=quantity(instrument, instrument.quantity_max),
                leverage_min=leverage(instrument.leverage_min),
                leverage_max=leverage(instrument.leverage_max),
                maintenance_rate=rate(instrument.maintenance_rate),
                slippage_bps=instrument.slippage_bps,
            )
            for instrument in prices.instruments.values()
        ]
    )
