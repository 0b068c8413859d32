"""A test's name is a sentence with its subject: no pronoun has its noun outside the name."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.project import ROOT

# What is before the sentence: numbers of rules and laws (`liq_04`, `law_1_2`), a seed and its defect (`seed_002_a`).
NUMBERED = re.compile(r"^[a-z]+(?:_\d+)+_(?:[a-z]_)?")
NO_SUBJECTS = frozenset(
    {"it", "its", "they", "them", "their", "this", "that", "these", "those", "there", "here", "he", "she", "such"}
    | {"what", "who", "whoever", "whatever", "whichever", "which", "and", "but", "also", "not"}
    | {"nobody", "somebody", "anybody", "everybody", "everyone", "nothing", "everything", "neither", "either"}
)
OBJECTS = frozenset({"it", "they", "them"})  # A noun and a verb at least come before such a word.
WORDS_BEFORE = 3
NAME_MAX = 110  # characters
# Words of no exchange and no broker; docs/rules.md and GLOSSARY.md have the right ones.
PRIVATE = re.compile(
    r"(?<!websocket)_(tickets?|told|tells?|asked|overheard|withheld|strangers?|seized?|stop_outs?)(?=_|$)"
)


def faults(name: str) -> list[str]:
    """Say what is wrong with the name of a test."""
    words = NUMBERED.sub("", name.removeprefix("test_")).split("_")
    found = []
    if words[0] in NO_SUBJECTS:
        found.append(f"`{words[0]}` is no subject")
    if early := OBJECTS & set(words[:WORDS_BEFORE]):
        found.append(f"`{min(early)}` has no noun before it")
    if words[-1] in OBJECTS:
        found.append(f"`{words[-1]}` ends the name in place of a noun")
    if private := PRIVATE.search(name):
        found.append(f"`{private[1]}` is a private word")
    if len(name) > NAME_MAX:
        found.append(f"{len(name)} characters")
    return found


def names() -> Iterator[tuple[str, str]]:
    """Give the file and the name of every test."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield path.relative_to(ROOT).as_posix(), node.name


def test_every_test_s_name_is_a_sentence_with_its_subject() -> None:
    assert [f"{path}::{name}: {fault}" for path, name in names() for fault in faults(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "test_it_is_found",
        "test_the_command_line_tells_it",
        "test_amend_01_none_takes_it_off",
        "test_part_09_it_is_all_that_was_asked_or_nothing",
        "test_seed_000_a_it_keeps_every_digit",
        "test_what_cannot_be_parsed_is_refused",
        "test_whoever_comes_first_is_the_owner",
        "test_an_order_is_found_where_the_engine_keeps_it",
        "test_a_key_opens_them_all_and_the_owner_closes_them",
        "test_a_ticket_is_closed_whole",
        "test_a_refusal_is_told_in_one_line",
        "test_a_position_is_closed_" + "at_last_" * 12,
    ],
)
def test_the_check_finds_a_name_without_its_subject(name: str) -> None:
    assert faults(name)


@pytest.mark.parametrize(
    "name",
    [
        "test_liq_04_the_fee_is_at_most_the_remaining_equity",
        "test_law_1_2_the_books_sum_to_zero",
        "test_a_websocket_ticket_opens_one_socket_once",
        "test_a_position_moved_by_an_owner_keeps_the_id_it_had_before",
    ],
)
def test_the_check_accepts_a_name_with_its_subject(name: str) -> None:
    assert faults(name) == []
