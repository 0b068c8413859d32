"""Each import contract is broken by each breach planted against it, in a copy of the sources."""

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import grimp
import pytest

from runtime.python import python_command
from tests.house.project import PACKAGES, PROJECT, ROOT

CONTRACTS: Final[list[dict[str, Any]]] = PROJECT["tool"]["importlinter"]["contracts"]
LINT: Final = "import sys; from importlinter.cli import lint_imports; lint_imports(None, (sys.argv[1],), None, True)"


class Breach(NamedTuple):
    """A module that is made to import another, which the contract forbids; both by their dotted names."""

    importer: str
    imported: str


def test_every_kind_of_contract_the_architecture_asks_for_is_there() -> None:
    kinds = {contract["id"]: contract["type"] for contract in CONTRACTS}
    assert kinds["arrows"] == kinds["engine"] == kinds["api-layers"] == "layers"
    (acyclic,) = (contract for contract in CONTRACTS if contract["type"] == "acyclic_siblings")
    assert acyclic["ancestors"] == PACKAGES
    assert "skip_descendants" not in acyclic
    assert "ignore_imports" not in acyclic


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_a_contract_reports_every_planted_breach(contract: dict[str, Any], tmp_path: Path) -> None:
    sources = copied_to(tmp_path)
    breaches = list(breaches_of(contract))
    assert breaches
    for breach in breaches:
        plant(sources, breach)
    text = linted(sources, contract["id"])
    assert "0 kept, 1 broken" in text, text
    assert [breach for breach in breaches if not is_reported(breach, contract, text)] == []


def breaches_of(contract: dict[str, Any]) -> Iterator[Breach]:
    match contract["type"]:
        case "layers":
            yield from breaches_of_layers(contract)
        case "forbidden":
            for importer, imported in itertools.product(contract["source_modules"], contract["forbidden_modules"]):
                yield Breach(importer, imported)
        case "acyclic_siblings":
            yield from (closing_a_circle(package) for package in contract["ancestors"])
        case other:
            raise AssertionError(f"nobody knows how to break a contract of type {other}")


def breaches_of_layers(contract: dict[str, Any]) -> Iterator[Breach]:
    """Each layer imports the one above it, and each member of a layer that is divided by `|` another of it."""
    prefix = f"{contract['containers'][0]}." if "containers" in contract else ""
    layers = [[prefix + name.strip(" ()") for name in re.split(r"[|:]", layer)] for layer in contract["layers"]]
    for upper, lower in itertools.pairwise(layers):
        yield Breach(lower[0], upper[0])
    for text, layer in zip(contract["layers"], layers, strict=True):
        if "|" in text:
            yield from (Breach(*pair) for pair in itertools.pairwise(layer))


def closing_a_circle(package: str) -> Breach:
    """Turn round an import between two sibling modules or folders of a package."""
    graph = grimp.build_graph(package, cache_dir=None)
    for parent in sorted({package, *graph.find_descendants(package)}):
        children = sorted(graph.find_children(parent))
        for importer, imported in itertools.permutations(children, 2):
            if graph.direct_import_exists(importer=importer, imported=imported, as_packages=True):
                return Breach(imported, importer)
    raise AssertionError(f"no module of {package} imports its neighbour")


def copied_to(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def plant(sources: Path, breach: Breach) -> None:
    place = sources.joinpath(*breach.importer.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    with file.open("a", encoding="utf-8") as text:
        text.write(f"\nimport {breach.imported}\n")


def linted(sources: Path, contract: str) -> str:
    """Give the report of import-linter on one contract."""
    found = subprocess.run(
        python_command("-c", LINT, contract),
        cwd=sources,
        env=os.environ | {"COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return found.stdout + found.stderr


def is_reported(breach: Breach, contract: dict[str, Any], text: str) -> bool:
    if contract["type"] == "acyclic_siblings":
        return breach.importer.partition(".")[0] in text
    return f"{breach.importer} is not allowed to import {breach.imported}" in text
