"""What is said of a call that is wrong: the option or argument, the value that was given, and what is allowed."""

import re
from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from typer.exceptions import TyperException

HELP: Final = "Usage: "
NAMED: Final = re.compile(r"Invalid value for '(.+?)':")
NO_OPTION: Final = re.compile(r"No such option: (-\d)")
NEGATIVE: Final = re.compile(r"-\d[\d.,:]*")
# By the kinds of mistake that pydantic tells apart; other kinds have words that can be read.
ALLOWED: Final = {
    "less_than_equal": "a whole number, {le} at most",
    "greater_than_equal": "a whole number, {ge} at least",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number",
}


def sentence_of(error: TyperException, arguments: Sequence[str]) -> str:
    """Give one sentence without its full stop; of a group without its command, its help."""
    text = error.format_message().rstrip(".").replace("Value error, ", "")
    if text.startswith(HELP):
        return text
    if (found := NO_OPTION.match(text)) is not None:
        number = next((each for each in arguments if each.startswith(found[1]) and NEGATIVE.fullmatch(each)), None)
        return text if number is None else f"{number} is below 0, which no argument may be"
    if (named := NAMED.match(text)) is not None and isinstance(error.__cause__, ValidationError):
        mistake = error.__cause__.errors()[0]
        if (allowed := ALLOWED.get(mistake["type"])) is not None:
            given = mistake["input"]
            return f"{named[1]} {given} is wrong: allowed is {allowed.format(**mistake.get('ctx', {}))}"
    return " ".join(text.split())
