"""The entries here are what the seeds' READMEs print, to the line and to the letter."""

import re
import textwrap
from typing import Any

import pytest

from tests.api.seeds.entries import SEEDS, seed
from tests.api.seeds.printed import READMES, bodies_of, commands_of, headers_of, lines_of, requests_of
from tests.api.seeds.test_seeds_page import REQUEST_LINES

pytestmark = pytest.mark.skipif(not READMES.is_dir(), reason="the seeds' READMEs do not lie beside this project")


@pytest.mark.parametrize("number", SEEDS)
def test_each_request_line_of_a_readme_has_an_entry_of_its_method_and_path(number: str) -> None:
    one, lines = seed(number), lines_of(number)
    elsewhere = {line for claim in one.claims if claim.kind == "endpoint" for line in claim.lines}
    asked = requests_of(lines)
    assert asked
    for request in asked:
        entries = [entry for entry in one.requests if request.line in entry.lines]
        if request.line in elsewhere and not entries:
            continue
        assert len(entries) == 1, f"line {request.line} has no entry: {lines[request.line - 1]}"
        (entry,) = entries
        assert (entry.method, pattern(entry.path)) == (request.method, pattern(request.path)), request
        assert request.port in (None, entry.port), request


@pytest.mark.parametrize("number", SEEDS)
def test_the_stored_request_line_numbers_are_those_found_in_the_readmes(number: str) -> None:
    lines = lines_of(number)
    found = {request.line for request in requests_of(lines)} | set(commands_of(lines))
    replaced = {line for claim in seed(number).claims if claim.kind == "endpoint" for line in claim.lines}
    known = set(REQUEST_LINES[number])
    assert found - known <= replaced
    assert known - found == set()


@pytest.mark.parametrize("number", SEEDS)
def test_each_body_of_a_readme_is_sent_as_printed_except_for_placeholders_of_ids(number: str) -> None:
    one, lines = seed(number), lines_of(number)
    for body in bodies_of(lines):
        entries = [entry for entry in one.requests if set(body.lines) <= set(entry.lines)]
        assert len(entries) == 1, f"lines {body.lines} have no entry"
        assert entries[0].body is not None, body
        assert body.content == {name: printed(name, value, body.content) for name, value in entries[0].body.items()}


@pytest.mark.parametrize("number", SEEDS)
def test_each_header_of_a_readme_is_sent(number: str) -> None:
    lines = lines_of(number)
    for entry in seed(number).requests:
        for name, value in headers_of(lines, entry.lines).items():
            if name != "Content-Type":  # That of a JSON body, which is sent with it.
                # Up to the value of a cookie, which the README only stands in for.
                assert entry.headers[name].partition("=")[0] == value.partition("=")[0], entry.text


@pytest.mark.parametrize("number", SEEDS)
def test_the_stored_size_and_variables_of_a_seed_are_those_of_its_readme(number: str) -> None:
    one, lines = seed(number), lines_of(number)
    assert one.size == len(lines)
    if one.environment is not None:
        first, last = one.environment.lines[0], one.environment.lines[-1]
        assert one.environment.text == textwrap.dedent("\n".join(lines[first - 1 : last])) + "\n"
    for claim in one.claims:
        if claim.kind == "variable":
            named = "\n".join(lines[line - 1] for line in claim.lines)
            for variable in re.findall(r"`(\w+)`", claim.text):
                assert variable in named, claim


def test_the_scan_of_a_readme_finds_requests_without_an_entry() -> None:
    assert [line.line for line in requests_of(["nothing", "- `DELETE /orders/:id` - Cancels", "a GET of it"])] == [2]
    assert [(one.method, one.path, one.port) for one in requests_of(["curl -X PUT http://localhost:4000/a"])] == [
        ("PUT", "/a", 4000)
    ]
    (body,) = bodies_of(["-d '{", '  "a": {"b": 1}', "}' and { ... }"])
    assert (body.lines, body.content) == ([1, 2, 3], {"a": {"b": 1}})


def pattern(path: str) -> str:
    """A path with nothing but where its ids are; a socket's query is a part of it."""
    bare = path if path.startswith("?") else path.partition("?")[0]
    return re.sub(r":\w+|\{\w+\}|<\w+>", "*", bare)


def printed(name: str, sent: Any, body: dict[str, Any]) -> Any:
    """The placeholder in a README for a value of an earlier reply."""
    return body.get(name) if isinstance(sent, str) and re.fullmatch(r"\{\w+\}", sent) else sent
