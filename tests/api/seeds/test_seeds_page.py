"""Each line of each README is in the TOML files here, and docs/seeds.md is made of them."""

import ast
import re
from pathlib import Path

import pytest

from tests.api.seeds.defects import DEFECTS, LETTERS
from tests.api.seeds.entries import SEEDS, seed
from tests.api.seeds.seeds_page import PAGE, page

ROOT = Path(__file__).parents[3]
# The lines of each README that are a request, or a part of one: facts, so that an entry cannot go missing.
REQUEST_LINES = {
    "000": [107, 108, 109],
    "001": [147, 148, 149, 154, 160, 167, 174, 181, 194, 224, 227, 232, 236, 246, 249],
    "002": [175, 176, 182, 185, 186, 195],
    "003": [185, 186, 187, 188, 192, 193, 194, 195, 199, 203],
    "004": [27, 28, 29, 120, 125, 138],
}


@pytest.mark.parametrize("number", SEEDS)
def test_every_line_of_a_readme_is_listed_once_as_promise_or_as_prose(number: str) -> None:
    one = seed(number)
    promised = {line for request in one.requests for line in request.lines}
    promised |= {line for claim in one.claims for line in claim.lines}
    assert promised | set(one.prose) == set(range(1, one.size + 1))
    assert promised & set(one.prose) == set()


@pytest.mark.parametrize("number", SEEDS)
def test_every_request_line_of_a_readme_has_an_entry(number: str) -> None:
    one = seed(number)
    entries = {line for request in one.requests for line in request.lines}
    entries |= {line for claim in one.claims if claim.kind == "endpoint" for line in claim.lines}
    assert set(REQUEST_LINES[number]) - entries == set()


def test_each_seed_defect_has_a_test_with_its_letter_or_a_reason() -> None:
    assert [(defect.seed, defect.letter) for defect in DEFECTS] == [
        (number, letter) for number, letters in LETTERS.items() for letter in letters
    ]
    named = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for defect in DEFECTS:
        assert (defect.test is None) != (defect.why is None), defect
        if defect.test is not None:
            assert defect.test in named, defect
            assert defect.test.startswith(f"test_seed_{defect.seed}_{defect.letter}_"), defect


def test_every_seed_s_defect_test_is_listed() -> None:
    named = {
        match
        for path in (ROOT / "tests").rglob("test_*.py")
        for match in re.findall(r"def (test_seed_\d{3}_[a-r]_\w+)\(", path.read_text(encoding="utf-8"))
    }
    assert named == {defect.test for defect in DEFECTS if defect.test is not None}


def test_the_seeds_page_is_up_to_date_with_its_source_files() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.api.seeds.seeds_page writes it"
