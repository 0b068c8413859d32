"""Cursors: they lead on in the list they came from, and nowhere else."""

import pytest

from api.http.cursors import read_cursor, write_cursor
from api.http.problems import ApiError


def test_a_cursor_decodes_to_the_row_number_it_was_made_of() -> None:
    assert read_cursor("fills~BTC_USDC", write_cursor("fills~BTC_USDC", 17)) == 17


def test_a_missing_cursor_is_the_beginning_and_a_missing_row_number_is_the_end() -> None:
    assert read_cursor("fills~", None) is None
    assert write_cursor("fills~", None) is None


@pytest.mark.parametrize("cursor", ["", "!", "%%%", "AAAA", write_cursor("ledger", 17), "é", "Zg"])
def test_a_malformed_or_foreign_cursor_is_refused(cursor: str | None) -> None:
    with pytest.raises(ApiError) as refused:
        read_cursor("fills~", cursor)
    assert refused.value.kind.status == 422
