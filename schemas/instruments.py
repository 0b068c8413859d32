"""The instruments the exchange starts with: the table of the trading rules, broadcast as `instruments-1`."""

from typing import Final

from schemas.messages import Instrument
from schemas.units import MICROS_PER_USDC, Hundredths, Lots, Micros, Ppm

FIRST_BROADCAST: Final = "instruments-1"


def _instrument(
    symbol: str, *, tick_exponent: int, lot_exponent: int, tick_value: int, quantity_max: int
) -> Instrument:
    """Fill in what the three have in common. quantity_max in lots; one lot is the least quantity."""
    return Instrument(
        symbol=symbol,
        tick_exponent=tick_exponent,
        lot_exponent=lot_exponent,
        tick_value=tick_value,
        quantity_min=Lots(1),
        quantity_max=Lots(quantity_max),
        leverage_min=Hundredths(100),
        leverage_max=Hundredths(10_000),
        fee_rate=Ppm(0),
        maintenance_rate=Ppm(5_000),
        margin_floor_rate=Ppm(50_000),
        liquidation_fee_rate=Ppm(5_000),
        slippage_bps=100,
        spread_max=Ppm(3_000),
        jump_max=Ppm(100_000),
        notional_max=Micros(1_000_000 * MICROS_PER_USDC),
        account_notional_max=Micros(1_000_000 * MICROS_PER_USDC),
        side_notional_max=Micros(100_000_000 * MICROS_PER_USDC),
    )


INSTRUMENTS: Final = (
    _instrument("BTC_USDC", tick_exponent=1, lot_exponent=5, tick_value=1, quantity_max=100 * 10**5),
    _instrument("ETH_USDC", tick_exponent=2, lot_exponent=4, tick_value=1, quantity_max=2_000 * 10**4),
    _instrument("SOL_USDC", tick_exponent=2, lot_exponent=3, tick_value=10, quantity_max=100_000 * 10**3),
)
BY_SYMBOL: Final = {instrument.symbol: instrument for instrument in INSTRUMENTS}
SYMBOLS: Final = tuple(BY_SYMBOL)
# Where a simulated market or a bench begins: ticks, one for each instrument.
START_PRICES: Final = dict(zip(SYMBOLS, (600_000, 300_000, 15_000), strict=True))
