"""Every refusal of `up` has its line in docs/operations.md, and every line there is of a refusal there is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.project import ROOT, text_of

ANYTHING: Final = "…"
# Of restore and import; and a start goes on without a screen.
ELSEWHERE: Final = frozenset({"new_instance.py", "screen.py"})
# Where a start is refused; of the others only what `up` calls.
MODULES: Final = (
    *sorted(path for path in (ROOT / "stack").glob("*.py") if path.name not in ELSEWHERE),
    *(
        ROOT / "runtime" / name
        for name in (
            "cluster.py",
            "kafka_security.py",
            "postgres.py",
            "secret_strength.py",
            "setting_sources.py",
            "vault.py",
        )
    ),
    *(ROOT / name for name in ("runtime/topics.py", "market_data/recorded_feed.py")),
)
RAISED: Final = frozenset({"FixableError", "NotStarted"})
COLLECTED: Final = frozenset({"found", "mistakes"})  # by the name of what is wrong
WRITTEN_BY: Final = frozenset(
    {"_mistake", "_named_with_why", "_stalled_message", "no_answer_of", "no_quote_of", "too_little_to_start"}
)
COMPOSED: Final = "says more"  # a line of parts that stand alone elsewhere
WHILE_PLAYING: Final = "… was repeated until its times were beyond the year 9998."
# What `up` calls of modules that have other refusals too.
OTHERS: Final = ("… is …, which is a file; name a folder.",)


def documented() -> list[str]:
    """Give what the table says that `up` says."""
    section = text_of("docs/operations.md").partition("## What the refusals of `up` mean")[2]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", section.partition("\nA shard that is")[0], re.MULTILINE)
    assert rows[0] == "it says"
    return rows[1:]


def pattern_of(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in line.split(ANYTHING)))


def written(node: ast.expr | None) -> str | None:
    """Give the text of an expression, with a mark for what is filled in; null where it has no words of its own."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else ANYTHING for part in parts)
            return text if re.search(r"\w", text) else None
        case _:
            return None


def sentences_in(path: Path) -> Iterator[str]:
    """Give the refusals that a module raises, collects or writes for another."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[said, *_]) if name in RAISED:
                texts = [written(said)]
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))], value=said) if name in COLLECTED:
                texts = [written(said)]
            case ast.FunctionDef(name=name) if name in WRITTEN_BY:
                texts = [written(each.value) for each in ast.walk(node) if isinstance(each, ast.Return)]
            case _:
                continue
        yield from (text for text in texts if text is not None and re.search(r"[a-z]{3}", text.replace(COMPOSED, "")))


def texts_in(path: Path) -> Iterator[str]:
    """Give every text of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.expr) and (text := written(node)) is not None:
            yield text


REFUSALS: Final = sorted(
    {*OTHERS, *(sentence for path in MODULES for sentence in sentences_in(path))} - {WHILE_PLAYING}
)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_of_up_has_its_line_on_the_operations_page(refusal: str) -> None:
    assert [line for line in documented() if pattern_of(line).search(refusal)], refusal


@pytest.mark.parametrize("line", documented())
def test_every_line_of_the_operations_page_is_of_a_refusal_there_is(line: str) -> None:
    texts = [*OTHERS, *(text for path in MODULES for text in texts_in(path))]
    assert [text for text in texts if pattern_of(line).search(text)], line
