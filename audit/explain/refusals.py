"""What each refusal of a command or a tick means, in words; docs/rules.md has the rules themselves."""

from typing import Final

from schemas.rejections import Rejection, TickRefusal

OF_COMMANDS: Final[dict[Rejection, str]] = {
    Rejection.NOT_DECODABLE: "the bytes are no command",
    Rejection.WRONG_SHARD: "it belongs to another shard",
    Rejection.ACCOUNT_UNKNOWN: "there was no such account",
    Rejection.ACCOUNT_CLOSED: "the account was closed",
    Rejection.ACCOUNT_EXISTS: "the account was there already",
    Rejection.COMMAND_ID_REUSED: "its id was known, with other content",
    Rejection.TOO_MANY_COMMANDS: "600 ids of the account were remembered",
    Rejection.DEADLINE_PASSED: "it was appended after its deadline",
    Rejection.DEADLINE_TOO_FAR: "its deadline was more than five minutes ahead",
    Rejection.MALFORMED: "a field of it makes no sense in any market",
    Rejection.FEED_NOT_SELECTED: "the prices were of another feed or run than the selected one",
    Rejection.SYMBOL_UNKNOWN: "there was no such instrument",
    Rejection.POSITION_NOT_OPEN: "the position was unknown, another's, or closed",
    Rejection.MARKET_HALTED: "the market was halted: nothing is opened or closed",
    Rejection.MARKET_CLOSE_ONLY: "the market was close-only: nothing is opened",
    Rejection.NO_PRICE: "no tick of the market was ever accepted",
    Rejection.PRICE_UNCONFIRMED: "a tick of the market was held and not yet confirmed",
    Rejection.PRICE_STALE: "the market was not heard for 5 s, or its feed was left",
    Rejection.CLOCK_SUSPECT: "the price sender's clock and log time differed by more than 2 s",
    Rejection.LEVERAGE_OUT_OF_RANGE: "the leverage was outside the instrument's",
    Rejection.SLIPPAGE_EXCEEDED: "the price was worse than expected by more than was allowed",
    Rejection.AMOUNT_NOT_POSITIVE: "the margin, quantity or amount was not above 0",
    Rejection.BELOW_MINIMUM: "fewer lots than the instrument's least were asked for, or would have stayed",
    Rejection.ABOVE_MAXIMUM: "more lots than the instrument's most were asked for, or than there were to close",
    Rejection.POSITION_NOTIONAL_LIMIT: "the position would have been above its limit of notional",
    Rejection.ACCOUNT_NOTIONAL_LIMIT: "the account would have been above its limit of notional in this symbol",
    Rejection.SIDE_NOTIONAL_LIMIT: "the side would have been above its limit of notional in this symbol and shard",
    Rejection.DEPOSIT_LIMIT: "the day's deposits would have been above their limit",
    Rejection.BALANCE_LIMIT: "the account's balance would have been above its limit",
    Rejection.STOP_LOSS_WRONG_SIDE: "the stop loss was on the wrong side of the exit price",
    Rejection.TAKE_PROFIT_WRONG_SIDE: "the take profit was on the wrong side of the exit price",
    Rejection.LIQUIDATABLE_AT_ONCE: "the position would have been liquidated at once, at the exit price",
    Rejection.INSUFFICIENT_MARGIN: "the account had not enough cash",
    Rejection.CLIENT_ORDER_ID_USED: "its client order id had opened a position within ten minutes",
    Rejection.RULES_VERSION_NOT_NEXT: "the version was not one more than the one in force",
}

# The rule that refuses a tick, and what it says.
OF_TICKS: Final[dict[TickRefusal, tuple[str, str]]] = {
    TickRefusal.SYMBOL_UNKNOWN: ("PRICE-14", "there is no such instrument"),
    TickRefusal.REPEATED_SYMBOL: ("PRICE-14", "the command names the symbol twice"),
    TickRefusal.NOT_POSITIVE: ("PRICE-01", "its bid is not above 0"),
    TickRefusal.CROSSED: ("PRICE-01", "its ask is below its bid"),
    TickRefusal.ABOVE_MAXIMUM: ("UNIT-03", "its ask is above the highest price there is"),
    TickRefusal.SPREAD_TOO_WIDE: ("PRICE-02", "its spread is wider than the instrument's most"),
    TickRefusal.NOT_NEWER: ("PRICE-03", "it is not newer than the last one"),
    TickRefusal.OUT_OF_TIME: ("PRICE-04", "its source time is more than 5 s from log time"),
    TickRefusal.AWAITING_CONFIRMATION: ("PRICE-07", "it comes too soon to confirm the tick that is held"),
    TickRefusal.NOTHING_TO_KEEP_FRESH: ("PRICE-13", "there is no fresh price that it could keep so"),
}
