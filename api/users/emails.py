"""Under which spelling of an email its user is stored, and under which they are looked for, in any case."""

import unicodedata
from typing import Final, NamedTuple

from email_validator import EmailNotValidError, validate_email

# One round is enough for every letter there is; a spelling that still changes after these is no address.
ROUNDS: Final = 3


class Spellings(NamedTuple):
    """How a user may be stored who is called by an email. likeliest: bytes that were stored, in their order.

    key: what all spellings share that differ in case, and in how accents are composed, only.
    """

    likeliest: tuple[str, ...]
    key: str


def email_of(text: str) -> str | None:
    """Give the one spelling of an address under which its user is stored; null where it is no address.

    It is lower case, its accents are composed, and its domain is as people read it: `bücher.example`, not punycode.
    Letters that only look alike stay apart. Its own spelling is itself. Nothing is asked of the network, and `.test` is
    a domain too.
    """
    text = unicodedata.normalize("NFC", text)
    for _ in range(ROUNDS):
        found = _older_email_of(text)
        if found is None:
            return None
        email = unicodedata.normalize("NFC", found)
        if email == text:
            return email
        text = email
    return None


def key_of(text: str) -> str:
    """Give what all spellings of an email share; also of what is no address, by which tries of a password are counted.

    It is Unicode's canonical caseless match (D145) of the address: small letters alone would leave the two small sigmas
    apart, and letters whose capital is two.
    """
    email = email_of(text.strip()) or text.strip()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", email).casefold())


def spellings_of(text: str) -> Spellings:
    """Give the spellings under which a user may be stored who is called this, the likeliest first.

    Versions before left an accent uncomposed where only the small letter has it as one, and kept some spellings apart
    that differ in case: what these bytes were stored as then comes first, so that they find whom they always found.
    """
    text = text.strip()
    email = email_of(text) or unicodedata.normalize("NFC", text.lower())
    likeliest = (_older_email_of(text) or text.lower(), email, text.lower(), _from_capitals(email))
    return Spellings(tuple(dict.fromkeys(likeliest)), key_of(text))


def _older_email_of(text: str) -> str | None:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        return None


def _from_capitals(email: str) -> str:
    """Give what versions before stored of an email that was written in capitals."""
    letters = unicodedata.normalize("NFD", email)
    capitals = "".join(letter.upper() if letter.upper().lower() == letter else letter for letter in letters)
    return unicodedata.normalize("NFC", capitals).lower()
