"""Requests are counted in windows, that of another process as soon as the counts were exchanged."""

from api.http.window_counts import SWEPT_MIN, CountWindow, WindowCounts

LENGTH = 10


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def counts() -> tuple[WindowCounts, Clock]:
    clock = Clock()
    return WindowCounts(str.upper, clock), clock


def taken(of: WindowCounts, tries: int, limit: int = 5, key: str = "alice") -> int:
    return sum(of.acquire_sliding_window_entry(key, limit, LENGTH) for _ in range(tries))


def test_a_window_takes_so_many_and_the_next_one_as_many_as_the_last_has_left() -> None:
    windows, clock = counts()
    assert taken(windows, 8) == 5
    clock.now += LENGTH  # The window before counts whole at the beginning of the next, and not at its end.
    assert taken(windows, 8) == 0
    clock.now += 0.6 * LENGTH
    assert taken(windows, 8) == 3
    clock.now += 10 * LENGTH
    assert taken(windows, 8) == 5


def test_the_window_is_shown_with_what_it_had_and_how_long_that_counts() -> None:
    windows, clock = counts()
    taken(windows, 2)
    clock.now += 4
    assert windows.get_sliding_window("alice", LENGTH) == (0, 6.0, 2, 16.0)
    clock.now += LENGTH
    assert windows.get_sliding_window("alice", LENGTH) == (2, 6.0, 0, 16.0)


def test_two_processes_that_exchange_their_counts_share_one_limit() -> None:
    one, clock = counts()
    other = WindowCounts(str.upper, clock)
    assert taken(one, 3) == 3
    assert taken(other, 1) == 1
    totals: dict[CountWindow, int] = {}
    for each in (one, other, one):
        new = each.take_new()
        for window, count in new.items():
            totals[window] = totals.get(window, 0) + count
        each.merge(totals.items())
    assert taken(one, 5) == 1
    assert taken(other, 5) == 1  # It does not know of the last one yet: at most what one exchange is late.
    assert sum(one.take_new().values()) == 1


class Table:
    """What PostgreSQL keeps of several processes' counts."""

    def __init__(self) -> None:
        self._rows: dict[CountWindow, int] = {}

    def exchange(self, *processes: WindowCounts) -> None:
        for process in processes:
            for window, count in process.take_new().items():
                self._rows[window] = self._rows.get(window, 0) + count
            process.merge(self._rows.items())


def test_requests_at_another_process_count_for_a_key_that_was_never_seen_here() -> None:
    one, clock = counts()
    other, table = WindowCounts(str.upper, clock), Table()
    assert taken(one, 8) == 5
    table.exchange(one, other)
    assert taken(other, 8) == 0


def test_requests_at_another_process_in_the_window_before_count_in_this_one() -> None:
    one, clock = counts()
    other, table = WindowCounts(str.upper, clock), Table()
    assert taken(one, 8) == 5
    table.exchange(one, other)
    clock.now += 1.2 * LENGTH
    assert taken(other, 8) == 1


def test_a_lone_process_keeps_nothing_of_keys_that_count_no_more() -> None:
    clock = Clock()
    lone = WindowCounts(None, clock)
    for number in range(5 * SWEPT_MIN):
        clock.now += 0.1
        taken(lone, 1, key=f"address {number}")
    assert lone.take_new() == {}
    assert lone.reset() <= 2 * SWEPT_MIN


def test_a_request_during_an_exchange_is_not_lost() -> None:
    windows, _ = counts()
    taken(windows, 2)
    ((window, count),) = windows.take_new().items()
    taken(windows, 1)
    windows.merge([(window, count + 1)])
    assert windows.get("alice") == 4
    assert list(windows.take_new().values()) == [1]


def test_an_exchange_of_the_window_that_is_over_counts_as_the_one_before() -> None:
    windows, clock = counts()
    taken(windows, 1)
    ((window, _),) = windows.take_new().items()
    clock.now += LENGTH
    taken(windows, 1)
    windows.merge([(window, 4)])
    assert windows.get_sliding_window("alice", LENGTH)[0] == 4


def test_keys_of_which_nothing_counts_any_more_are_forgotten() -> None:
    windows, clock = counts()
    for number in range(SWEPT_MIN):
        taken(windows, 1, key=f"account {number}")
    clock.now += 2 * LENGTH
    taken(windows, 1, key="late")
    assert windows.reset() == 1
