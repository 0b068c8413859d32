"""The bounds that only the core holds commands to: money, spans of log time, ticks; the shared ones are in schemas."""

from typing import Final

from schemas.units import DAY, MICROS_PER_USDC, MINUTE, SECOND, Lots, Micros

NOTHING: Final = Micros(0)
NO_LOTS: Final = Lots(0)

BALANCE_MAX: Final = 10**9 * MICROS_PER_USDC
DEPOSIT_DAY_MAX: Final = 100_000 * MICROS_PER_USDC

DEADLINE_MAX: Final = 5 * MINUTE
MEMORY: Final = 10 * MINUTE  # how long a command id is remembered
REMEMBERED_MAX: Final = 600  # ids an account, and as many again for commands that only close, cancel or amend
WITHDRAWALS_MAX: Final = 60  # ids of withdrawals an account
POSITIONS_MAX: Final = 500  # open ones an account, until a broadcast says otherwise
POSITIONS_MAX_MOST: Final = 10_000  # what a broadcast may say; an outcome that names them all fits a record
DEPOSIT_WINDOW: Final = DAY

SOURCE_DRIFT_MAX: Final = 5 * SECOND  # of a live feed's time from log time
CLOCK_DRIFT_MAX: Final = 2 * SECOND  # of the price sender's clock from log time
CONFIRMATION_SPAN: Final = 500_000  # source time between a held tick and the one that confirms it
CONFIRMATION_RATE: Final = 10_000  # ppm a confirming tick may differ from the held one

PRICE_ENTRIES_MAX: Final = 1_000  # ticks and alive marks in one command
