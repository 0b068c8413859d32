"""Cursors: they lead on in the list they came from, and nowhere else."""

import pytest

from api.http.cursors import read_cursor, write_cursor
from api.http.problems import ApiError


def test_a_cursor_gives_back_its_place() -> None:
    assert read_cursor("fills~BTC_USDC", write_cursor("fills~BTC_USDC", 17)) == 17


def test_no_cursor_is_the_beginning_and_no_place_is_the_end() -> None:
    assert read_cursor("fills~", None) is None
    assert write_cursor("fills~", None) is None


@pytest.mark.parametrize("cursor", ["", "!", "%%%", "AAAA", write_cursor("ledger", 17), "é", "Zg"])
def test_any_other_text_is_refused(cursor: str | None) -> None:
    with pytest.raises(ApiError) as refused:
        read_cursor("fills~", cursor)
    assert refused.value.kind.status == 422
