"""What is wrong with a JSON text, in words: where it stops, or which member is of another kind than it should be."""

import re
from typing import Final

TRUNCATED: Final = "Input data was truncated"  # the decoder's words, as those below
MALFORMED: Final = re.compile(r"JSON is malformed: .*\(byte (\d+)\)")
OTHER_KIND: Final = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `(.+?)`)?")
MISSING: Final = re.compile(r"Object missing required field `(.+?)`(?: - at `(.+?)`)?")
KINDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "uuid": "an id",
    "bytes": "text",
}


def why_not_decoded(error: Exception) -> str:
    """Say in a clause why msgspec did not decode a JSON text."""
    said = str(error)
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if said == TRUNCATED:
        return "it ends in its middle"
    if found := MALFORMED.fullmatch(said):
        return f"it is no JSON, at byte {found[1]}"
    if found := OTHER_KIND.fullmatch(said):
        return f"{_name(found[3])} is {_kinds(found[2])}, and has to be {_kinds(found[1])}"
    if found := MISSING.fullmatch(said):
        place = "" if found[2] is None else f" in {_name(found[2])}"
        return f"{found[1]} is missing{place}"
    return "it is not of the form that is expected"


def _name(path: str | None) -> str:
    """Write a place as it is called in the text: `$.data.b` is data.b; null is all of it."""
    return "it" if path is None or path == "$" else path.removeprefix("$").removeprefix(".")


def _kinds(names: str) -> str:
    return " or ".join(KINDS.get(name, name) for name in names.split(" | "))
