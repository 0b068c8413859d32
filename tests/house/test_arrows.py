"""The arrows of the architecture are contracts of import-linter, so that `reprise check` holds them."""

import ast
from typing import Any

from tests.house.project import PACKAGES, PROJECT, ROOT

CONTRACTS: dict[str, dict[str, Any]] = {
    contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]
}


def test_the_layers_of_the_contract_are_the_layers_of_the_architecture() -> None:
    assert [layer(text) for text in CONTRACTS["arrows"]["layers"]] == [
        {"cli"},
        {"bench"},
        {"audit", "api", "stack"},
        {"projector", "market_data", "engine", "venue"},
        {"runtime"},
        {"schemas"},
    ]


def test_every_package_is_in_a_layer() -> None:
    assert set().union(*(layer(text) for text in CONTRACTS["arrows"]["layers"])) == set(PACKAGES)


def test_the_core_is_below_the_shell() -> None:
    assert CONTRACTS["engine"]["layers"] == ["engine.shell", "engine.snapshot", "engine.core"]


def test_the_api_imports_the_core_in_one_folder_no_other_engine_and_of_the_projector_only_queries() -> None:
    assert CONTRACTS["api"]["forbidden_modules"] == ["engine.shell", "engine.snapshot", "market_data"]
    assert CONTRACTS["pretrade"]["forbidden_modules"] == ["engine.core"]
    assert CONTRACTS["pretrade"]["ignore_imports"] == ["api.pretrade.** -> engine.core.**"]
    assert CONTRACTS["projection"]["forbidden_modules"] == ["projector"]
    # What the second has statements of is a user's, and follows from no event.
    assert CONTRACTS["projection"]["ignore_imports"] == [
        "api.** -> projector.queries",
        "api.** -> projector.queries.alert_queries",
    ]


def test_the_projector_writes_and_answers_from_one_set_of_tables_and_has_no_circle() -> None:
    assert CONTRACTS["projector"]["containers"] == ["projector"]
    assert CONTRACTS["projector"]["exhaustive"] is True
    assert [layer(text) for text in CONTRACTS["projector"]["layers"]] == [
        {"main", "rebuild"},
        {"migrate"},
        {"write", "queries"},
        {"tables", "database"},
    ]
    assert "projector" in CONTRACTS["acyclic"]["ancestors"]


def test_the_audit_never_imports_the_shell() -> None:
    assert CONTRACTS["audit"]["source_modules"] == ["audit"]
    assert CONTRACTS["audit"]["forbidden_modules"] == ["engine.shell"]


def test_the_audit_reads_a_log_then_verifies_then_explains_and_exports_then_replays() -> None:
    assert CONTRACTS["audit-layers"]["containers"] == ["audit"]
    assert CONTRACTS["audit-layers"]["exhaustive"] is True
    assert [layer(text) for text in CONTRACTS["audit-layers"]["layers"]] == [
        {"replay"},
        {"explain", "export"},
        {"verify"},
        {"log", "digits"},
    ]


def test_schemas_and_core_import_nothing_impure() -> None:
    assert set(CONTRACTS["pure"]["source_modules"]) == {"engine.core", "schemas"}
    assert {"confluent_kafka", "faust", "sqlalchemy", "time", "random", "os", "datetime"} <= set(
        CONTRACTS["pure"]["forbidden_modules"]
    )


def test_client_and_examples_import_no_package_of_the_server() -> None:
    sources = [*(ROOT / "clients").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    assert sources
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in named if name.partition(".")[0] in PACKAGES], path.name


def layer(text: str) -> set[str]:
    """Give the packages of `a | b`."""
    return {part.strip() for part in text.split("|")}
