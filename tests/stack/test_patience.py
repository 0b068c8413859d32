"""What starts is waited for as long as it gets on, and not for ever."""

from stack.patience import MAX_S, Patience


def test_patience_is_over_after_a_silence_and_lasts_while_there_is_progress() -> None:
    now = 0.0
    patience = Patience(60, clock=lambda: now)
    for second in range(0, 600, 50):
        now = second
        assert not patience.is_over(second)
    now = 550 + 60
    assert not patience.is_over(550)
    now += 0.1
    assert patience.is_over(550)
    assert not patience.is_over("something new")


def test_patience_ends_even_where_there_is_progress() -> None:
    now = 0.0
    patience = Patience(60, clock=lambda: now)
    now = MAX_S
    assert not patience.is_over(now)
    now += 1
    assert patience.is_over(now)
