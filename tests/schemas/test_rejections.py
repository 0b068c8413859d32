"""The numbers of refusals are in the log for ever: none changes, none is used again."""

from schemas.rejections import Rejection, TickRefusal

RELEASED = {
    1: "NOT_DECODABLE",
    2: "WRONG_SHARD",
    3: "ACCOUNT_UNKNOWN",
    4: "ACCOUNT_CLOSED",
    5: "ACCOUNT_EXISTS",
    6: "COMMAND_ID_REUSED",
    7: "TOO_MANY_COMMANDS",
    8: "DEADLINE_PASSED",
    9: "DEADLINE_TOO_FAR",
    10: "MALFORMED",
    11: "FEED_NOT_SELECTED",
    12: "SYMBOL_UNKNOWN",
    13: "POSITION_NOT_OPEN",
    14: "MARKET_HALTED",
    15: "MARKET_CLOSE_ONLY",
    16: "NO_PRICE",
    17: "PRICE_UNCONFIRMED",
    18: "PRICE_STALE",
    19: "CLOCK_SUSPECT",
    20: "LEVERAGE_OUT_OF_RANGE",
    21: "SLIPPAGE_EXCEEDED",
    22: "AMOUNT_NOT_POSITIVE",
    23: "BELOW_MINIMUM",
    24: "ABOVE_MAXIMUM",
    25: "POSITION_NOTIONAL_LIMIT",
    26: "ACCOUNT_NOTIONAL_LIMIT",
    27: "SIDE_NOTIONAL_LIMIT",
    28: "DEPOSIT_LIMIT",
    29: "BALANCE_LIMIT",
    30: "STOP_LOSS_WRONG_SIDE",
    31: "TAKE_PROFIT_WRONG_SIDE",
    32: "LIQUIDATABLE_AT_ONCE",
    33: "INSUFFICIENT_MARGIN",
    34: "CLIENT_ORDER_ID_USED",
    35: "RULES_VERSION_NOT_NEXT",
    36: "PRICE_TOO_OLD",
    37: "TOO_MANY_POSITIONS",
}


def test_released_rejection_numbers_keep_their_names_and_new_numbers_are_higher() -> None:
    assert {entry.value: entry.name for entry in Rejection if entry <= max(RELEASED)} == RELEASED


def test_every_rejection_number_is_in_the_list_of_released_numbers() -> None:
    assert len(Rejection) == len(RELEASED)


def test_the_value_of_a_tick_refusal_is_the_name_of_its_member() -> None:
    assert all(entry.value == entry.name for entry in TickRefusal)
