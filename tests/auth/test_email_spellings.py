"""An email has one spelling, which is its own, also of letters whose capitals are composed otherwise."""

import unicodedata
from collections.abc import Callable
from typing import Final

from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, given
from hypothesis import strategies as st

from api.users.emails import counted_email, email_of, spellings_of

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
            assert counted_email(form(again)) == email
            assert email in spellings_of(form(again))


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
    assert spellings_of(text)[0] == stored
    assert stored in spellings_of(stored)
