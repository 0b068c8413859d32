"""A recording's times are read as what they are meant as, or refused with the reason."""

import pytest

from market_data.source_times import UnreadableTime, micros_of_number, micros_of_text

NOON = 1_640_995_200_000_000  # 2022-01-01T00:00:00Z in µs


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1640995200", NOON),
        ("1640995200000", NOON),
        ("1640995200000000", NOON),
        ("1640995200000000000", NOON),
        ("1640995200.5", NOON + 500_000),
        ("1640995200.0", NOON),
        ("1640995200000001999", NOON + 1),
        ("1.6409952E+12", NOON),
        ("2022-01-01T00:00:00Z", NOON),
        ("2022-01-01t00:00:00z", NOON),
        ("2022-01-01T00:00:00", NOON),
        ("2022-01-01 00:00:00", NOON),
        ("2022-01-01 00:00", NOON),
        ("2022-01-01", NOON),
        ("20220101", NOON),
        ("20220101T000000Z", NOON),
        ("2022/01/01 00:00", NOON),
        ("2022.01.01 00:00:00", NOON),
        ("2022/1/1 0:00", NOON),
        ("2022-01-01T01:00:00+01:00", NOON),
        ("2022-01-01 01:00:00 +0100", NOON),
        ("2021-12-31T19:00:00-05", NOON),
        ("2022-01-01 00:00:00 UTC", NOON),
        ("2022-01-01 00:00:00.000 GMT+0000", NOON),
        ("2022-01-01T00:00:00.123456Z", NOON + 123_456),
        ("2022-01-01T00:00:00.123456789Z", NOON + 123_456),
        ("2022-01-01T00:00:00,5Z", NOON + 500_000),
        (" 2022-01-01T00:00:00Z ", NOON),
        ("1970-01-01", 0),
        ("2261-12-31T23:59:59.999999Z", 9_214_646_399_999_999),
    ],
)
def test_a_time_is_read_by_its_digits_or_as_a_date_to_the_microsecond(text: str, micros: int) -> None:
    assert micros_of_text(text) == micros


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_the_time_of_a_quote_is_read_in_any_unit(unit: int) -> None:
    assert micros_of_number(1_640_995_200 * unit) == NOON


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yesterday", "is none; write it like 2022-01-31T12:00:00Z"),
        ("", "is none"),
        ("01/02/2022", "is none"),
        ("31.01.2022 00:00", "is none"),
        ("2022-02-30", "is none"),
        ("2022-01/01", "is none"),
        ("2022-01-01 25:00", "is none"),
        ("2022-01-01 00:00 CET", "is none"),
        ("nan", "is none"),
        ("-1640995200", "is none"),
        ("164099520", "has 9 digits"),
        ("164099520000", "has 12 digits"),
        ("20220101000000", "has 14 digits"),
        ("0", "has 1 digits"),
        ("1" * 41, "not a decimal number of at most 40"),
        ("9999999999", "after the year 2261"),
        ("1969-12-31", "not in the years 1970 to 2261"),
        ("9999-12-31", "not in the years"),
    ],
)
def test_a_time_that_may_be_meant_in_two_ways_or_in_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnreadableTime, match=why):
        micros_of_text(text)


@pytest.mark.parametrize("number", [-1_640_995_200, 0, 1, 10**11, 10**40])
def test_a_number_that_is_no_time_is_refused(number: int) -> None:
    with pytest.raises(UnreadableTime, match="digits"):
        micros_of_number(number)
