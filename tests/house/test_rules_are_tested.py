"""Every rule of docs/rules.md is in a test, and every rule a test names is in the document."""

import ast
import re
from pathlib import Path

from schemas.rejections import Rejection
from tests.house.project import ROOT

RULES = (ROOT / "docs" / "rules.md").read_text()
DEFINED = re.findall(r"^\*\*([A-Z]+-\d+)\*\*", RULES, re.MULTILINE)
SERIES = "|".join(sorted({number.split("-")[0] for number in DEFINED}))
IN_NAME = re.compile(rf"test_({SERIES.lower()})((?:_\d+)+)_")
IN_DOCSTRING = re.compile(rf"\b({SERIES})-(\d+)\b")


def named_in_tests() -> dict[str, str]:
    """Give each rule that a test's name or docstring mentions, with one such test."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path == Path(__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            where = f"{path.name}::{node.name}"
            match = IN_NAME.match(node.name)
            if match is not None:
                for number in match.group(2).strip("_").split("_"):
                    found.setdefault(f"{match.group(1).upper()}-{number}", where)
            for series, number in IN_DOCSTRING.findall(ast.get_docstring(node) or ""):
                found.setdefault(f"{series}-{number}", where)
    return found


def test_every_rule_is_named_in_the_name_or_docstring_of_a_test() -> None:
    assert set(DEFINED) - set(named_in_tests()) == set()


def test_no_test_names_an_unknown_rule() -> None:
    unknown = {number: where for number, where in named_in_tests().items() if number not in DEFINED}
    assert unknown == {}


def test_rule_numbers_are_unique_and_in_order() -> None:
    assert len(DEFINED) == len(set(DEFINED))
    for series in SERIES.split("|"):
        numbers = [int(number.split("-")[1]) for number in DEFINED if number.startswith(f"{series}-")]
        assert numbers == list(range(1, len(numbers) + 1)), series


def test_each_rule_has_a_worked_example() -> None:
    rules = [line for line in RULES.splitlines() if re.match(r"\*\*[A-Z]+-\d+\*\*", line)]
    assert [line[:12] for line in rules if not re.search(r" \*[^*]+\*$", line)] == []


def test_the_table_of_refusals_has_the_numbers_and_names_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", RULES, re.MULTILINE)
    assert sorted((int(number), name) for number, name in rows) == [(entry.value, entry.name) for entry in Rejection]
