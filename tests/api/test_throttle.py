"""The login throttle: how many failed logins are allowed, and when the next one is."""

import time

from api.credentials.throttle import ACCOUNT_FAILURES_MAX, ADDRESS_FAILURES_MAX, WINDOW_S, Throttle

EMAIL, ADDRESS = "a@example.com", "1.2.3.4"


def failed(throttle: Throttle, times: int, email: str = EMAIL, address: str = ADDRESS) -> None:
    for _ in range(times):
        assert throttle.begin(email, address) == 0


def test_an_account_waits_after_ten_failed_logins_from_any_addresses() -> None:
    throttle = Throttle()
    failed(throttle, ACCOUNT_FAILURES_MAX)
    assert WINDOW_S - 10 < throttle.begin(EMAIL, "5.6.7.8") <= WINDOW_S
    assert throttle.begin("b@example.com", ADDRESS) == 0


def test_an_account_may_log_in_again_after_the_throttle_window() -> None:
    throttle = Throttle(window_s=0.3)
    failed(throttle, ACCOUNT_FAILURES_MAX)
    wait = throttle.begin(EMAIL, ADDRESS)
    assert 0 < wait <= 0.3
    time.sleep(wait + 0.05)
    assert throttle.begin(EMAIL, ADDRESS) == 0


def test_an_address_waits_after_its_maximum_of_failures_for_any_accounts() -> None:
    throttle = Throttle()
    for number in range(ADDRESS_FAILURES_MAX):
        failed(throttle, 1, f"{number}@example.com")
    assert throttle.begin("new@example.com", ADDRESS) > 0
    assert throttle.begin("new@example.com", "5.6.7.8") == 0


def test_a_successful_login_clears_the_account_s_failures_but_not_the_address_s() -> None:
    throttle = Throttle()
    for number in range(ADDRESS_FAILURES_MAX - 1):
        failed(throttle, 1, f"{number}@example.com")
    for _ in range(3):
        failed(throttle, 1)
        throttle.succeeded(EMAIL, ADDRESS)
    failed(throttle, 1)
    assert throttle.begin("new@example.com", ADDRESS) > 0
    failed(throttle, ACCOUNT_FAILURES_MAX - 1, address="5.6.7.8")
    assert throttle.begin(EMAIL, "5.6.7.8") > 0


def test_undecided_logins_count_so_concurrent_attempts_do_not_pass_the_throttle() -> None:
    throttle = Throttle()
    waits = [throttle.begin(EMAIL, ADDRESS) for _ in range(3 * ACCOUNT_FAILURES_MAX)]
    assert sum(wait == 0 for wait in waits) == ACCOUNT_FAILURES_MAX


def test_a_withdrawn_login_attempt_is_no_failure() -> None:
    throttle = Throttle()
    for _ in range(2 * ADDRESS_FAILURES_MAX):
        failed(throttle, 1)
        throttle.withdraw(EMAIL, ADDRESS)
    assert throttle.begin(EMAIL, ADDRESS) == 0
