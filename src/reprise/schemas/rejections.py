"""Why a command or a tick is refused: one number each, in the order they are looked for; append-only."""

from enum import IntEnum, StrEnum


class Rejection(IntEnum):
    """The core's refusals. The numbers stand in the log; the names are the `code` of an API problem."""

    NOT_DECODABLE = 1
    WRONG_SHARD = 2
    ACCOUNT_UNKNOWN = 3
    ACCOUNT_CLOSED = 4
    ACCOUNT_EXISTS = 5
    COMMAND_ID_REUSED = 6
    TOO_MANY_COMMANDS = 7
    DEADLINE_PASSED = 8
    DEADLINE_TOO_FAR = 9
    MALFORMED = 10
    FEED_NOT_SELECTED = 11
    SYMBOL_UNKNOWN = 12
    POSITION_NOT_OPEN = 13
    MARKET_HALTED = 14
    MARKET_CLOSE_ONLY = 15
    NO_PRICE = 16
    PRICE_UNCONFIRMED = 17
    PRICE_STALE = 18
    CLOCK_SUSPECT = 19
    LEVERAGE_OUT_OF_RANGE = 20
    SLIPPAGE_EXCEEDED = 21
    AMOUNT_NOT_POSITIVE = 22
    BELOW_MINIMUM = 23
    ABOVE_MAXIMUM = 24
    POSITION_NOTIONAL_LIMIT = 25
    ACCOUNT_NOTIONAL_LIMIT = 26
    SIDE_NOTIONAL_LIMIT = 27
    DEPOSIT_LIMIT = 28
    BALANCE_LIMIT = 29
    STOP_LOSS_WRONG_SIDE = 30
    TAKE_PROFIT_WRONG_SIDE = 31
    LIQUIDATABLE_AT_ONCE = 32
    INSUFFICIENT_MARGIN = 33


class TickRefusal(StrEnum):
    """Why a tick or an alive mark in a price command changed nothing."""

    SYMBOL_UNKNOWN = "SYMBOL_UNKNOWN"
    REPEATED_SYMBOL = "REPEATED_SYMBOL"
    NOT_POSITIVE = "NOT_POSITIVE"
    CROSSED = "CROSSED"
    ABOVE_MAXIMUM = "ABOVE_MAXIMUM"
    SPREAD_TOO_WIDE = "SPREAD_TOO_WIDE"
    NOT_NEWER = "NOT_NEWER"
    OUT_OF_TIME = "OUT_OF_TIME"
    AWAITING_CONFIRMATION = "AWAITING_CONFIRMATION"
    NOTHING_TO_KEEP_FRESH = "NOTHING_TO_KEEP_FRESH"
