"""What each refusal of a command or a tick means, in words; docs/rules.md has the rules themselves."""

from typing import Final

from schemas.rejections import Rejection, TickRefusal

# The rule that refuses a command, or CMD-17 where several may, and what it says.
OF_COMMANDS: Final[dict[Rejection, tuple[str, str]]] = {
    Rejection.NOT_DECODABLE: ("CMD-01", "the bytes are no command"),
    Rejection.WRONG_SHARD: ("CMD-02", "it belongs to another shard"),
    Rejection.ACCOUNT_UNKNOWN: ("CMD-03", "there was no such account"),
    Rejection.ACCOUNT_CLOSED: ("CMD-17", "the account was closed"),
    Rejection.ACCOUNT_EXISTS: ("ACC-02", "the account was there already"),
    Rejection.COMMAND_ID_REUSED: ("CMD-05", "its id was known, with other content"),
    Rejection.TOO_MANY_COMMANDS: (
        "CMD-08",
        "as many ids of the account were remembered as may be of what the command came to",
    ),
    Rejection.DEADLINE_PASSED: ("CMD-10", "it was appended after its deadline"),
    Rejection.DEADLINE_TOO_FAR: ("CMD-10", "its deadline was more than five minutes ahead"),
    Rejection.MALFORMED: ("CMD-17", "a field of it makes no sense in any market"),
    Rejection.FEED_NOT_SELECTED: ("FEED-04", "the prices were of another feed or run than the selected one"),
    Rejection.SYMBOL_UNKNOWN: ("CMD-17", "there was no such instrument"),
    Rejection.POSITION_NOT_OPEN: ("CLOSE-03", "the position was unknown, another's, or closed"),
    Rejection.MARKET_HALTED: ("HALT-01", "the market was halted: nothing is opened or closed"),
    Rejection.MARKET_CLOSE_ONLY: ("HALT-05", "the market was close-only: nothing is opened"),
    Rejection.NO_PRICE: ("PRICE-11", "no tick of the market was ever accepted"),
    Rejection.PRICE_UNCONFIRMED: ("PRICE-11", "a tick of the market was held and not yet confirmed"),
    Rejection.PRICE_STALE: ("PRICE-12", "the market was not heard for 5 s, or its feed was left"),
    Rejection.PRICE_TOO_OLD: ("PRICE-20", "the price was heard longer ago than the instrument allows for an opening"),
    Rejection.CLOCK_SUSPECT: ("PRICE-17", "the price sender's clock and log time differed by more than 2 s"),
    Rejection.LEVERAGE_OUT_OF_RANGE: ("OPEN-04", "the leverage was outside the instrument's"),
    Rejection.SLIPPAGE_EXCEEDED: ("OPEN-05", "the price was worse than expected by more than was allowed"),
    Rejection.AMOUNT_NOT_POSITIVE: ("CMD-17", "the margin, quantity or amount was not above 0"),
    Rejection.BELOW_MINIMUM: ("OPEN-07", "fewer lots than the instrument's least were asked for, or would have stayed"),
    Rejection.ABOVE_MAXIMUM: (
        "OPEN-07",
        "more lots than the instrument's most were asked for, or than there were to close",
    ),
    Rejection.POSITION_NOTIONAL_LIMIT: ("OPEN-08", "the position would have been above its limit of notional"),
    Rejection.ACCOUNT_NOTIONAL_LIMIT: (
        "OPEN-08",
        "the account would have been above its limit of notional in this symbol",
    ),
    Rejection.SIDE_NOTIONAL_LIMIT: (
        "OPEN-08",
        "the side would have been above its limit of notional in this symbol and shard",
    ),
    Rejection.TOO_MANY_POSITIONS: ("OPEN-18", "the account had as many open positions as an account may have"),
    Rejection.DEPOSIT_LIMIT: ("ACC-04", "the day's deposits would have been above their limit"),
    Rejection.BALANCE_LIMIT: ("ACC-05", "the account's balance would have been above its limit"),
    Rejection.STOP_LOSS_WRONG_SIDE: ("OPEN-09", "the stop loss was on the wrong side of the exit price"),
    Rejection.TAKE_PROFIT_WRONG_SIDE: ("OPEN-09", "the take profit was on the wrong side of the exit price"),
    Rejection.LIQUIDATABLE_AT_ONCE: ("OPEN-11", "the position would have been liquidated at once, at the exit price"),
    Rejection.INSUFFICIENT_MARGIN: ("CMD-17", "the account had not enough cash"),
    Rejection.CLIENT_ORDER_ID_USED: ("OPEN-17", "its client order id had opened a position within ten minutes"),
    Rejection.RULES_VERSION_NOT_NEXT: ("RULES-01", "the version was not one more than the one in force"),
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
    TickRefusal.NAMES_NO_TICK: ("PRICE-18", "it names a symbol, and not the tick it vouches for"),
    TickRefusal.CLOCK_SUSPECT: ("PRICE-18", "the clock of its sender is more than 2 s from log time"),
    TickRefusal.NOT_THE_LAST_TICK: (
        "PRICE-18",
        "it does not name the last accepted tick, or a newer one was held or refused since",
    ),
}
