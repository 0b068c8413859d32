"""How many failed logins are allowed, and when the next one is."""

from reprise.api.auth.throttle import ACCOUNT_FAILURES_MAX, ADDRESS_FAILURES_MAX, NAMES_MAX, WINDOW_S, Throttle


class Clock:
    """A clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def failed(throttle: Throttle, times: int, email: str = "a@example.com", address: str = "1.2.3.4") -> None:
    for _ in range(times):
        throttle.failed(email, address)


def test_an_account_waits_after_its_tenth_failure_and_is_free_when_the_first_is_five_minutes_old() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    failed(throttle, ACCOUNT_FAILURES_MAX - 1)
    assert throttle.wait("a@example.com", "1.2.3.4") == 0
    failed(throttle, 1)
    assert throttle.wait("a@example.com", "5.6.7.8") == WINDOW_S
    assert throttle.wait("b@example.com", "1.2.3.4") == 0
    clock.now += WINDOW_S
    assert throttle.wait("a@example.com", "1.2.3.4") == 0


def test_an_address_waits_whichever_accounts_it_tried() -> None:
    throttle = Throttle(Clock())
    for number in range(ADDRESS_FAILURES_MAX):
        failed(throttle, 1, f"{number}@example.com")
    assert throttle.wait("new@example.com", "1.2.3.4") > 0
    throttle.succeeded("0@example.com")
    assert throttle.wait("new@example.com", "1.2.3.4") > 0


def test_a_login_forgets_the_account_s_failures() -> None:
    throttle = Throttle(Clock())
    failed(throttle, ACCOUNT_FAILURES_MAX)
    throttle.succeeded("a@example.com")
    assert throttle.wait("a@example.com", "1.2.3.4") == 0


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle(Clock())
    for number in range(NAMES_MAX):
        throttle.failed(f"{number}@example.com", f"{number}")
    assert len(throttle._failures) == NAMES_MAX
