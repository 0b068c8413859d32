"""The defects of each seed, by letter, and the test that Reprise does not have them."""

from typing import Final, NamedTuple

LETTERS: Final = {
    "000": "abcdefghijkl",
    "001": "abcdefghijklmnopqr",
    "002": "abcdefghi",
    "003": "abcdefghijklmno",
    "004": "abcdefghi",
}


class Defect(NamedTuple):
    """One defect. test: the name of its test; why: where there is none, why it cannot occur."""

    seed: str
    letter: str
    what: str
    test: str | None = None
    why: str | None = None


def _tested(seed: str, letter: str, what: str, sentence: str) -> Defect:
    return Defect(seed, letter, what, test=f"test_seed_{seed}_{letter}_{sentence}")


DEFECTS: Final = (
    _tested("000", "a", "prices were cut to whole dollars", "a_price_keeps_its_digits"),
    _tested("000", "b", "only the ask was used", "a_long_opens_at_the_ask_and_a_short_at_the_bid"),
    _tested("000", "c", "margin was neither checked nor reserved", "margin_is_checked_and_reserved"),
    _tested("000", "d", "a trade could be closed again and paid each time", "closing_twice_pays_once"),
    _tested("000", "e", "anyone could close anyone's order", "only_the_owner_closes_a_trade"),
    _tested(
        "000",
        "f",
        "an unknown id stopped the engine for everybody",
        "a_close_of_an_unknown_id_is_refused_and_other_users_trade_on",
    ),
    _tested("000", "g", "an order before the first balance crashed", "a_first_request_may_be_an_order"),
    _tested("000", "h", "replies were lost between two reads", "each_of_many_concurrent_requests_gets_its_own_reply"),
    _tested("000", "i", "sign-up could not be completed", "signing_up_is_signing_in"),
    _tested("000", "j", "nothing was ever liquidated", "a_position_is_liquidated_before_its_balance_is_negative"),
    _tested("000", "k", "the price stream grew without bound", "the_topic_of_prices_is_trimmed"),
    _tested(
        "000", "l", "the link in an e-mail was a permanent credential", "a_token_expires_after_a_day_and_ends_by_logout"
    ),
    _tested(
        "001",
        "a",
        "a take profit above the market fired on the next tick",
        "a_take_profit_above_the_market_does_not_fire_early",
    ),
    _tested("001", "b", "a stop above 100,000 was taken for a scaled one", "a_price_above_100000_is_kept_as_sent"),
    _tested("001", "c", "anyone could close another's trade and was paid for it", "the_owner_alone_is_paid"),
    _tested("001", "d", "a gap made a balance negative", "a_loss_ends_at_the_margin"),
    _tested("001", "e", "two trades in a millisecond had one id", "concurrent_trades_have_different_ids"),
    _tested("001", "f", "a close left triggers behind and no exit price", "a_closed_position_s_triggers_never_fire"),
    Defect(
        "001",
        "g",
        "each tick walked every trigger",
        why="a tick reads a sorted index up to its own price: tests/properties/test_trigger_index.py counts the steps",
    ),
    _tested("001", "h", "leverage was rounded, liquidation came too late", "fractional_leverage_is_exact"),
    _tested("001", "i", "a restart lost commands and money", "a_command_sent_while_the_engine_is_down_is_executed"),
    Defect(
        "001",
        "j",
        "the checksum did not cover the contents",
        why="a snapshot's digest is over its bytes, and over those of every event before it: "
        "tests/kafka/test_broken_snapshots.py alters one",
    ),
    Defect(
        "001",
        "k",
        "an old snapshot was refused and every balance was gone",
        why="no age is looked at: whatever the age of the newest sound snapshot, the log behind it is replayed, and "
        "without any the whole log is",
    ),
    Defect(
        "001",
        "l",
        "a crash while writing lost the latest snapshot",
        why="a snapshot is one Kafka transaction: it is there whole, or the one before it counts",
    ),
    _tested("001", "m", "each request left a connection open", "requests_leave_no_connection_behind"),
    _tested("001", "n", "engine and database diverged", "the_tables_show_the_outcome_of_each_command"),
    _tested(
        "001", "o", "what could not be parsed was not answered", "a_request_that_cannot_be_parsed_is_answered_at_once"
    ),
    _tested("001", "p", "a message without data stopped the poller", "a_message_without_data_is_passed_over"),
    _tested("001", "q", "the entry was at the ask in both directions", "a_short_opens_at_the_bid"),
    _tested("001", "r", "requests of any origin were let in", "a_cross_site_request_is_refused"),
    _tested("002", "a", "with the worker down an order was pending for ever", "a_pending_order_is_decided"),
    _tested("002", "b", "a retry was a second order", "a_retry_under_an_idempotency_key_returns_the_first_order"),
    _tested(
        "002",
        "c",
        "resting orders were called partially filled",
        "a_resting_order_is_accepted_and_partially_filled_only_after_a_fill",
    ),
    _tested("002", "d", "the reason of a refusal was thrown away", "a_rejected_order_has_its_reason"),
    _tested("002", "e", "filters were ignored", "a_quantity_finer_than_a_lot_is_refused_with_its_pointer"),
    _tested("002", "f", "positions were wrong after any sell", "positions_are_right_after_a_sell"),
    _tested("002", "g", "a second tab cut the first", "a_second_tab_does_not_cut_the_first"),
    _tested("002", "h", "PENDING was never sent", "an_order_update_is_pending_first_and_then_final"),
    Defect(
        "002",
        "i",
        "secrets were committed",
        why="`.env` is ignored by git, `.env.example` has no value of a secret, and `up` makes the secrets of the demo "
        "profile in the data folder",
    ),
    _tested("003", "a", "a client's profit was paid", "a_profit_sent_by_the_client_is_ignored"),
    _tested("003", "b", "any amount could be deposited", "deposits_are_limited_and_positive"),
    _tested("003", "c", "an order was not found for ten seconds", "a_close_directly_after_the_opening_succeeds"),
    _tested("003", "d", "a quantity of 0.001 became 0", "a_quantity_of_a_thousandth_is_kept"),
    _tested("003", "e", "amounts overflowed 32 bits", "a_price_beyond_the_seed_s_32_bits_is_exact"),
    _tested("003", "f", "a restart wiped the rest of a balance", "a_restart_keeps_every_balance"),
    _tested("003", "g", "a liquidated order stayed open and was paid again", "a_liquidated_order_is_closed_once"),
    _tested("003", "h", "cents were compared with dollars", "margin_and_balance_have_the_same_unit"),
    _tested("003", "i", "an unknown asset was filled at the price of BTC", "an_unknown_asset_is_refused"),
    _tested("003", "j", "a refused order was called created", "a_refused_order_is_not_reported_as_created"),
    _tested("003", "k", "passwords were in clear, the secret was `secret`", "a_password_is_stored_as_a_hash"),
    _tested("003", "l", "another site's page could trade", "a_cross_site_request_cannot_trade"),
    _tested("003", "m", "commands during downtime were lost", "a_command_during_downtime_is_not_lost"),
    _tested("003", "n", "two writers lost each other's updates", "concurrent_deposits_and_trades_add_up"),
    _tested("003", "o", "leverage had no limit", "leverage_has_a_limit"),
    _tested("004", "a", "everybody had one account", "each_user_has_an_account_of_their_own"),
    _tested("004", "b", "a message without a price was a price of 0", "a_price_of_zero_liquidates_no_position"),
    _tested("004", "c", "a liquidated short was paid", "a_liquidated_short_loses"),
    _tested("004", "d", "a negative margin raised the balance", "a_negative_margin_is_refused"),
    _tested("004", "e", "leverage, slippage and type were not looked at", "leverage_type_and_slippage_are_checked"),
    _tested("004", "f", "a restart forgot every position", "a_restart_keeps_every_position"),
    _tested("004", "g", "old prices closed live positions", "prices_from_before_a_restart_close_no_position"),
    _tested("004", "h", "random ids collided", "position_ids_do_not_collide"),
    _tested("004", "i", "amounts drifted", "tenths_add_up"),
)
