"""The TypeScript client is strictly typed, needs nothing at run time, and does what its tests in TypeScript say."""

import json
import re
from pathlib import Path
from typing import Any, Final

from cli.typescript_types import type_of, typescript_types
from tests.client.typescript import CLIENT, compiler, node, run_node_tests

PACKAGE: Final[dict[str, Any]] = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
LOCK: Final[dict[str, Any]] = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
SOURCES: Final = sorted((CLIENT / "src").glob("*.ts"))


def test_the_typescript_sources_and_their_tests_pass_the_strict_type_check() -> None:
    done = node(compiler(), "--project", "tsconfig.json")
    assert done.returncode == 0, done.stdout


def test_the_typescript_package_is_built_with_types_and_is_imported_without_any_other_package(tmp_path: Path) -> None:
    done = node(compiler(), "--project", "tsconfig.build.json", "--outDir", str(tmp_path / "dist"))
    assert done.returncode == 0, done.stdout
    (tmp_path / "package.json").write_text(json.dumps(PACKAGE), encoding="utf-8")
    program = (
        'import("reprise-client").then((all) => console.log(Object.keys(all).sort().join(" "), all.toMicros("1.5")))'
    )
    done = node("--eval", program, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Client" in done.stdout
    assert done.stdout.endswith("1500000n\n")
    assert (tmp_path / PACKAGE["types"]).is_file()


def test_the_typescript_client_does_what_its_own_tests_say() -> None:
    assert run_node_tests("tests/decimals.test.ts", "tests/calls.test.ts") == 20


def test_the_typescript_package_has_no_dependency_at_run_time_and_locks_those_of_its_check() -> None:
    assert "dependencies" not in PACKAGE
    assert LOCK["packages"][""]["devDependencies"] == PACKAGE["devDependencies"]
    for name, entry in LOCK["packages"].items():
        assert not name or (entry["integrity"].startswith("sha512-") and "resolved" not in entry)
    for source in SOURCES:
        imported = re.findall(r'from "([^"]+)"', source.read_text(encoding="utf-8"))
        assert all(name.startswith("./") for name in imported), source.name


def test_the_typescript_sources_have_no_float_of_money_and_say_what_each_file_is_about() -> None:
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        assert text.startswith("/** "), source.name
        assert not re.search(r"parseFloat|\.toFixed|: any\b|as any\b|@ts-", text), source.name
    assert (CLIENT / "LICENSE").read_text() == (CLIENT.parents[1] / "LICENSE").read_text()


def test_a_shape_of_the_document_becomes_a_type() -> None:
    digits = {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]}
    assert type_of(digits) == "Decimal"
    assert type_of({"anyOf": [digits, {"type": "null"}]}) == "Decimal | null"
    assert type_of({"type": "array", "items": {"enum": ["a", "b"]}}) == 'readonly ("a" | "b")[]'
    assert type_of({"$ref": "#/components/schemas/Order"}) == "Order"
    shape = {
        "properties": {"a-b": {"type": "integer"}, "c": {"const": "x"}},
        "required": [],
        "description": "What it is.",
    }
    text = typescript_types({"components": {"schemas": {"Thing": shape}}})
    assert text.endswith(
        '/** What it is. */\nexport interface Thing {\n  readonly "a-b"?: number;\n  readonly c: "x";\n}\n'
    )
