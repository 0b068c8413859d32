"""The entries here are what the seeds' READMEs print, to the line and to the letter."""

import re
from typing import Any

import pytest

from tests.api.seeds.entries import SEEDS, seed
from tests.api.seeds.printed import printed_by
from tests.api.seeds.test_seeds_page import REQUEST_LINES


@pytest.mark.parametrize("number", SEEDS)
def test_each_request_line_of_a_readme_has_an_entry_of_its_method_and_path(number: str) -> None:
    one = seed(number)
    elsewhere = {line for claim in one.claims if claim.kind == "endpoint" for line in claim.lines}
    asked = printed_by(number).requests
    assert asked
    for request in asked:
        entries = [entry for entry in one.requests if request.line in entry.lines]
        if request.line in elsewhere and not entries:
            continue
        assert len(entries) == 1, f"line {request.line} has no entry: {request}"
        (entry,) = entries
        assert (entry.method, pattern(entry.path)) == (request.method, pattern(request.path)), request
        assert request.port in (None, entry.port), request


@pytest.mark.parametrize("number", SEEDS)
def test_the_stored_request_line_numbers_are_those_printed_in_the_readmes(number: str) -> None:
    printed = printed_by(number)
    found = {request.line for request in printed.requests} | set(printed.commands)
    replaced = {line for claim in seed(number).claims if claim.kind == "endpoint" for line in claim.lines}
    known = set(REQUEST_LINES[number])
    assert found - known <= replaced
    assert known - found == set()


@pytest.mark.parametrize("number", SEEDS)
def test_each_body_of_a_readme_is_sent_as_printed_except_for_placeholders_of_ids(number: str) -> None:
    one = seed(number)
    for body in printed_by(number).bodies:
        entries = [entry for entry in one.requests if set(body.lines) <= set(entry.lines)]
        assert len(entries) == 1, f"lines {body.lines} have no entry"
        assert entries[0].body is not None, body
        assert body.content == {name: placeholder(name, value, body.content) for name, value in entries[0].body.items()}


@pytest.mark.parametrize("number", SEEDS)
def test_each_header_of_a_readme_is_sent(number: str) -> None:
    headers = printed_by(number).headers
    for entry in seed(number).requests:
        for header in headers:
            if header.line in entry.lines and header.name != "Content-Type":  # That of a JSON body is sent with it.
                # Up to the value of a cookie, which the README only stands in for.
                assert entry.headers[header.name].partition("=")[0] == header.value.partition("=")[0], entry.text


@pytest.mark.parametrize("number", SEEDS)
def test_the_stored_size_of_a_seed_is_that_of_its_readme(number: str) -> None:
    assert seed(number).size == printed_by(number).size


def pattern(path: str) -> str:
    """A path with nothing but where its ids are; a socket's query is a part of it."""
    bare = path if path.startswith("?") else path.partition("?")[0]
    return re.sub(r":\w+|\{\w+\}|<\w+>", "*", bare)


def placeholder(name: str, sent: Any, body: dict[str, Any]) -> Any:
    """The placeholder in a README for a value of an earlier reply."""
    return body.get(name) if isinstance(sent, str) and re.fullmatch(r"\{\w+\}", sent) else sent
