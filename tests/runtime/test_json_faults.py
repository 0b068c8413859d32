"""A JSON text that cannot be decoded is described without the decoder's words, down to the member that is wrong."""

import msgspec
import pytest

from runtime.json_faults import why_not_decoded


class Kept(msgspec.Struct):
    """A record of a kept file."""

    count: int
    name: str | int = ""
    parts: list[int] = []
    inner: "Kept | None" = None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "it ends in its middle"),
        (b'{"count": 1', "it ends in its middle"),
        (b"nonsense", "it is no JSON, at byte 4"),
        (b'{"count": 1} x', "it is no JSON, at byte 14"),
        (b"[1]", "it is a list, and has to be an object"),
        (b'{"count": "1"}', "count is text, and has to be a whole number"),
        (b'{"count": null}', "count is null, and has to be a whole number"),
        (b'{"count": 1, "name": {}}', "name is an object, and has to be a whole number or text"),
        (b'{"count": 1, "parts": [1, "2"]}', "parts[1] is text, and has to be a whole number"),
        (b'{"name": "x"}', "count is missing"),
        (b'{"count": 1, "inner": {}}', "count is missing in inner"),
        (b'{"count": 1, "name": "\xff"}', "it is no text in UTF-8"),
    ],
)
def test_a_fault_of_a_json_text_is_described_in_words(text: bytes, why: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)) as raised:
        msgspec.json.decode(text, type=Kept)
    assert why_not_decoded(raised.value) == why


def test_a_fault_of_another_kind_shows_no_words_of_the_decoder() -> None:
    assert why_not_decoded(msgspec.ValidationError("Expected `int` <= 5")) == "it is not of the form that is expected"
