"""The bounds that hold for every instrument, so that nothing leaves 64 bits, and the spans of log time."""

from typing import Final

from schemas.units import DAY, MICROS_PER_USDC, MINUTE, SECOND

PPM: Final = 1_000_000
BPS: Final = 10_000
LEVERAGE_ONE: Final = 100  # 1.00x in hundredths

PRICE_MAX: Final = 10**9  # ticks
QUANTITY_MAX: Final = 10**10  # lots
NOTIONAL_MAX: Final = 10**9 * MICROS_PER_USDC
WORTH_MAX: Final = 2**62  # micros; the notional of any ticket at any price, so that a receipt fits 64 bits
BALANCE_MAX: Final = 10**9 * MICROS_PER_USDC
DEPOSIT_DAY_MAX: Final = 100_000 * MICROS_PER_USDC

DEADLINE_MAX: Final = 5 * MINUTE
MEMORY: Final = 10 * MINUTE  # how long a command id is remembered
REMEMBERED_MAX: Final = 600  # ids an account, and as many again for commands that only close, cancel or amend
DEPOSIT_WINDOW: Final = DAY

PRICE_AGE_MAX: Final = 5 * SECOND
SOURCE_DRIFT_MAX: Final = 5 * SECOND  # of a live feed's time from log time
CLOCK_DRIFT_MAX: Final = 2 * SECOND  # of the price sender's clock from log time
CONFIRMATION_SPAN: Final = 500_000  # source time between a held tick and the one that confirms it
CONFIRMATION_RATE: Final = 10_000  # ppm a confirming tick may differ from the held one

ID_LENGTH_MAX: Final = 64
PRICE_ENTRIES_MAX: Final = 1_000  # ticks and alive marks in one command
