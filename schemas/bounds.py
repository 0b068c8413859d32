"""Which values an instrument's parameters, a price and an id may have: the engine refuses the others, the API too.

Within these bounds no product of the core's arithmetic leaves 64 bits where it must not.
"""

from typing import Final, NamedTuple

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
RATES: Final = (
    *("fee_rate", "maintenance_rate", "margin_floor_rate", "liquidation_fee_rate"),
    *("spread_max", "jump_max"),
)
NOTIONAL_LIMITS: Final = ("notional_max", "account_notional_max", "side_notional_max")


class ParameterBounds(NamedTuple):
    """What a parameter may be, both ends included, in the ledger's units; null where only the other end is bounded."""

    least: int | None
    most: int


def bounds_of(instrument: Instrument) -> dict[str, ParameterBounds]:
    """Give what each parameter may be, where the others are as they are."""
    rate, limit = ParameterBounds(0, PPM - 1), ParameterBounds(1, NOTIONAL_MAX)
    worth = PRICE_MAX * instrument.tick_value
    return {
        "quantity_min": ParameterBounds(1, instrument.quantity_max),
        # Opened within the notional limits, a position may still be closed at any price there is.
        "quantity_max": ParameterBounds(None, min(QUANTITY_MAX, WORTH_MAX // worth) if worth > 0 else QUANTITY_MAX),
        "leverage_min": ParameterBounds(LEVERAGE_ONE, instrument.leverage_max),
        "leverage_max": ParameterBounds(None, LEVERAGE_MAX),
        "slippage_bps": ParameterBounds(0, BPS),
        "open_age_max": ParameterBounds(1, PRICE_AGE_MAX),
        **dict.fromkeys(RATES, rate),
        **dict.fromkeys(NOTIONAL_LIMITS, limit),
        "tick_exponent": ParameterBounds(0, EXPONENT_MAX),
        "lot_exponent": ParameterBounds(0, EXPONENT_MAX),
        "tick_value": ParameterBounds(1, TICK_VALUE_MAX),
    }


def parameters_out_of_bounds(instrument: Instrument) -> list[str]:
    """Name the parameters whose values are not allowed."""
    return [name for name, bounds in bounds_of(instrument).items() if not _is_within(getattr(instrument, name), bounds)]


def _is_within(value: int | None, bounds: ParameterBounds) -> bool:
    """An instrument may have no value of its own."""
    return value is None or ((bounds.least is None or bounds.least <= value) and value <= bounds.most)


def is_id(text: str) -> bool:
    """Say whether a text may be an id: 1 to 64 printable ASCII characters."""
    return 0 < len(text) <= ID_LENGTH_MAX and text.isascii() and text.isprintable()
