"""An email has one spelling, which is its own, and one key in any case, also of letters whose capitals are others."""

import sys
import unicodedata
from collections.abc import Callable
from typing import Final

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, given
from hypothesis import strategies as st

from api.users.emails import email_of, key_of, spellings_of

LETTERS: Final = (
    "jJtThHwWyYaAiI\u0130\u0131\u03b9\u03ca\u0399\u03aa\u03c5\u03d2\u03a3\u03c3\u03c2"
    "\u00df\u1e9e\u01f0\u1e97\u0390\u212b"
)
MARKS: Final = "\u0301\u0307\u0308\u030a\u030c\u0323\u0331\u0342\u0345"
FORMS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: unicodedata.normalize("NFD", text),
)

syllables = st.tuples(st.sampled_from(LETTERS), st.text(MARKS, max_size=3)).map("".join)
names = st.one_of(st.lists(syllables, min_size=1, max_size=6).map("".join), st.text(min_size=1, max_size=8))
domains = st.sampled_from(["example.com", "B\u00dcCHER.example", "xn--bcher-kva.example", "J\u030ca.example"])
emails = st.tuples(names, domains).map("@".join)


@given(emails)
def test_the_spelling_of_an_email_is_its_own_spelling(text: str) -> None:
    email = email_of(text)
    assume(email is not None)
    assert email is not None
    assert email_of(email) == email
    assert unicodedata.is_normalized("NFC", email)


@given(emails)
def test_an_email_and_all_that_is_canonically_the_same_have_one_spelling(text: str) -> None:
    email = email_of(text)
    assume(email is not None)
    assert email is not None
    for form in FORMS:
        for again in (text, email):
            assert email_of(form(again)) == email
            assert key_of(form(again)) == key_of(email)
            assert email in spellings_of(form(again)).likeliest


def older(text: str) -> str | None:
    """What versions before stored."""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        return None


@given(emails)
def test_an_email_as_earlier_versions_stored_it_is_looked_for_by_its_own_bytes_and_as_shown(text: str) -> None:
    stored = older(text)
    assume(stored is not None)
    assert stored is not None
    assert spellings_of(text).likeliest[0] == stored
    assert stored in spellings_of(stored).likeliest


CASES: Final[tuple[Callable[[str], str], ...]] = (str.upper, str.lower, str.title, str.swapcase, str.casefold, *FORMS)
# It has no capital of its own: the Latin I is another letter's, and its small one has a dot.
DOTLESS: Final = "\u0131"
# A mark alone begins no address; its capital is a letter.
MARK: Final = "\u0345"
# At the end of a word, at its beginning, within it, at the ends of two words, alone, and in a domain.
PLACES: Final = ("a{}@x.com", "{}a@x.com", "a{}b@x.com", "a{0}.{0}b@x.com", "{}@x.com", "ada@a{}.com")


def letters_of_cases() -> list[str]:
    """Every assigned letter that has another case, or another canonical form that is no syllable's."""
    letters = []
    for letter in map(chr, range(0x80, sys.maxunicode + 1)):
        has_case = any(case(letter) != letter for case in CASES[:5])
        is_formed = any(form(letter) != letter for form in FORMS) and unicodedata.category(letter) != "Lo"
        if (has_case or is_formed) and unicodedata.category(letter) != "Cn":
            letters.append(letter)
    return letters


@pytest.mark.parametrize("place", PLACES)
def test_an_email_has_one_key_in_any_case_of_any_letter(place: str) -> None:
    differing = []
    for letter in letters_of_cases():
        text = place.format(letter)
        key, is_address = key_of(text), email_of(text) is not None
        spellings = {case(text) for case in CASES}
        if any(key_of(spelling) != key or (email_of(spelling) is None) == is_address for spelling in spellings):
            differing.append(letter)
    assert set(differing) <= {DOTLESS, MARK}


@given(emails)
def test_the_key_of_an_email_is_its_spelling_s_key_without_an_address(text: str) -> None:
    """So a migration finds it by what is stored."""
    email = email_of(text)
    assume(email is not None)
    assert email is not None
    found = unicodedata.normalize("NFC", unicodedata.normalize("NFD", email).casefold())
    assert key_of(text) == key_of(email) == found
