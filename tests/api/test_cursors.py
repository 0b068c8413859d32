"""Cursors: they lead on in the list they came from, and nowhere else."""

import pytest

from api.http.cursors import read_cursor, read_named_cursor, write_cursor, write_named_cursor
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


def test_a_named_cursor_decodes_to_its_number_and_name() -> None:
    cursor = write_named_cursor("accounts~", 17, "a.b~c-1")
    assert read_named_cursor("accounts~", cursor) == (17, "a.b~c-1")
    assert read_named_cursor("accounts~", None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "!", "AAAA"),
        write_cursor("accounts~", 17),
        write_named_cursor("accounts~one", 17, "a"),
        write_named_cursor("accounts~", 17, "a\0b"),
        write_named_cursor("accounts~", 17, ""),
        write_named_cursor("accounts~", 10**19, "a"),
    ],
)
def test_a_malformed_or_foreign_named_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ApiError) as refused:
        read_named_cursor("accounts~", cursor)
    assert refused.value.kind.status == 422
