"""Which values an instrument's parameters, a price and an id may have: the engine refuses the others, the API too.

Within these bounds no product of the core's arithmetic leaves 64 bits where it must not.
"""

from typing import Final

from schemas.messages import Instrument
from schemas.units import BPS, LEVERAGE_ONE, MICROS_PER_USDC, PPM, SECOND

PRICE_MAX: Final = 10**9  # ticks
QUANTITY_MAX: Final = 10**10  # lots
NOTIONAL_MAX: Final = 10**9 * MICROS_PER_USDC
WORTH_MAX: Final = 2**62  # micros; the notional of any position at any price, so that a receipt fits 64 bits
LEVERAGE_MAX: Final = 1_000 * LEVERAGE_ONE
EXPONENT_MAX: Final = 12
TICK_VALUE_MAX: Final = 10**6  # micros
ID_LENGTH_MAX: Final = 64
PRICE_AGE_MAX: Final = 5 * SECOND  # without a tick or an alive mark; a price of this age is stale
CANDIDATE_AGE_MAX: Final = 5 * SECOND  # a held tick of this age is forgotten


def parameters_out_of_bounds(instrument: Instrument) -> list[str]:
    """Name the parameters whose values are not allowed."""
    rates = {
        "fee_rate": instrument.fee_rate,
        "maintenance_rate": instrument.maintenance_rate,
        "margin_floor_rate": instrument.margin_floor_rate,
        "liquidation_fee_rate": instrument.liquidation_fee_rate,
        "spread_max": instrument.spread_max,
        "jump_max": instrument.jump_max,
    }
    limits = {
        "notional_max": instrument.notional_max,
        "account_notional_max": instrument.account_notional_max,
        "side_notional_max": instrument.side_notional_max,
    }
    allowed = {
        "quantity_min": 1 <= instrument.quantity_min <= instrument.quantity_max,
        # Opened within the notional limits, a position may still be closed at any price there is.
        "quantity_max": instrument.quantity_max <= QUANTITY_MAX
        and instrument.quantity_max * PRICE_MAX * instrument.tick_value <= WORTH_MAX,
        "leverage_min": LEVERAGE_ONE <= instrument.leverage_min <= instrument.leverage_max,
        "leverage_max": instrument.leverage_max <= LEVERAGE_MAX,
        "slippage_bps": 0 <= instrument.slippage_bps <= BPS,
    }
    age_max = instrument.open_age_max
    allowed["open_age_max"] = age_max is None or 0 < age_max <= PRICE_AGE_MAX
    allowed |= {name: 0 <= rate < PPM for name, rate in rates.items()}
    allowed |= {name: 0 < limit <= NOTIONAL_MAX for name, limit in limits.items()}
    allowed |= {
        "tick_exponent": 0 <= instrument.tick_exponent <= EXPONENT_MAX,
        "lot_exponent": 0 <= instrument.lot_exponent <= EXPONENT_MAX,
        "tick_value": 1 <= instrument.tick_value <= TICK_VALUE_MAX,
    }
    return [name for name, is_allowed in allowed.items() if not is_allowed]


def is_id(text: str) -> bool:
    """Say whether a text may be an id: 1 to 64 printable ASCII characters."""
    return 0 < len(text) <= ID_LENGTH_MAX and text.isascii() and text.isprintable()
