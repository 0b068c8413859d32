"""The documents agree with the code: topics, folders, settings, links, sizes."""

import ast
import json
import re
from pathlib import Path

import pytest
import typer.main

from cli.main import application
from runtime.settings import Settings
from schemas import topics
from tests.house.project import PACKAGES, ROOT, relative, text_of

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISION_LINES_MAX = 50
ARCHITECTURE_LINES_MAX = 150


def settings_names() -> set[str]:
    names = set()
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        names |= {alias} if isinstance(alias, str) else set(getattr(alias, "choices", ()))
    return names


def test_the_architecture_names_every_topic() -> None:
    named = set(re.findall(r"^\| `([a-z.-]+)` \|", text_of("ARCHITECTURE.md"), re.MULTILINE))
    assert named == {topic.name for topic in topics.TOPICS}


def test_the_architecture_names_every_folder() -> None:
    named = set(re.findall(r"^\| `([a-z_/]+)/` \|", text_of("ARCHITECTURE.md"), re.MULTILINE))
    assert named == (set(PACKAGES) - {"engine"}) | {"engine/core", "engine/shell", "engine/snapshot"}


def doors() -> list[list[tuple[str, str]]]:
    """Give each row of the table of doors: the files and functions it names."""
    table = text_of("ARCHITECTURE.md").partition("## Five doors")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [re.findall(r"`([a-z_/]+\.py): ([\w.]+)`", row) for row in rows]


def test_the_architecture_has_five_doors_of_at_most_two_files_each() -> None:
    assert [len(places) in {1, 2} for places in doors()] == [True] * 5


@pytest.mark.parametrize("door", doors(), ids=lambda door: door[0][0])
def test_each_function_behind_a_door_is_in_its_file(door: list[tuple[str, str]]) -> None:
    for file, function in door:
        body: list[ast.stmt] = ast.parse(text_of(file)).body
        for name in function.split("."):
            (found,) = (
                node
                for node in body
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
            )
            body = found.body


def test_the_readme_names_existing_settings_only() -> None:
    table = text_of("README.md").partition("## Settings")[2]
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", table))
    assert named
    assert named <= settings_names()


def test_the_documents_name_existing_commands_only() -> None:
    commands = set(typer.main.get_command(application()).commands)  # type: ignore[attr-defined]  # It is a group.
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/operations.md"):
        called = set(re.findall(r"(?:\./|`)reprise ([a-z-]+)", text_of(name)))
        assert called <= commands, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_link_leads_to_a_file(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("decision", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_is_short_and_ends_with_the_check_that_enforces_the_decision(decision: Path) -> None:
    lines = decision.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= DECISION_LINES_MAX
    assert [line for line in lines if line.startswith("#")][-1] == "## The check that enforces it"


def test_the_architecture_has_at_most_its_maximum_of_lines() -> None:
    assert len(text_of("ARCHITECTURE.md").splitlines()) <= ARCHITECTURE_LINES_MAX


def administrators_acts() -> list[tuple[str, str, str | None]]:
    """Give what docs/operations.md lets an administrator paste: method, path and body."""
    calls = re.findall(r"`admin (?:-X (\w+) )?\$API(/[\w/-]+)(?: -d '([^`']+)')?`", text_of("docs/operations.md"))
    return [(method or ("POST" if body else "GET"), path, body or None) for method, path, body in calls]


@pytest.mark.parametrize(("method", "path", "body"), administrators_acts())
def test_each_documented_act_of_an_administrator_is_a_route_with_these_fields(
    method: str, path: str, body: str | None
) -> None:
    document = json.loads(text_of("tests/golden/openapi/api.json"))
    (route,) = (
        operations
        for template, operations in document["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", template), f"/api/v1{path}") and method.lower() in operations
    )
    if body is not None:
        reference = route[method.lower()]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        given = json.loads(body)
        assert set(schema.get("required", ())) <= set(given) <= set(schema["properties"])


def test_the_operations_page_lists_every_act_of_an_administrator() -> None:
    assert {path for _, path, _ in administrators_acts()} >= {
        "/admin/instruments/BTC_USDC/status",
        "/admin/instruments",
        "/admin/account-limits",
        "/admin/rules",
        "/admin/clock",
    }
