"""Every rule of docs/screen.md has a test that names it, and no test names a rule that is not there."""

import re

from tests.house.project import ROOT

NUMBER = re.compile(r"\bUI[-_]([A-Za-z]+)[-_](\d\d)\b|test_ui_([a-z]+)_(\d\d)_")


def numbers(text: str) -> set[str]:
    return {f"UI-{(found[1] or found[3]).upper()}-{found[2] or found[4]}" for found in NUMBER.finditer(text)}


def test_every_rule_of_the_screen_has_a_test_and_every_number_in_a_test_is_a_rule() -> None:
    document = (ROOT / "docs" / "screen.md").read_text(encoding="utf-8")
    rules = set(re.findall(r"^\*\*(UI-[A-Z]+-\d\d)\*\*", document, re.MULTILINE))
    files = [*(ROOT / "web" / "tests").glob("*.ts"), *(ROOT / "tests" / "web").glob("*.py")]
    named = set().union(*(numbers(file.read_text(encoding="utf-8")) for file in files))
    assert len(rules) >= 15
    assert named == rules
