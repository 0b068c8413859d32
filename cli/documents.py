"""Command that writes what is made from the code: explanations in the schemas, documents, the clients' schemas."""

import json
import secrets
from collections.abc import Iterator
from importlib.resources import as_file
from pathlib import Path
from typing import Any, Final

import typer

from cli import typescript_types
from cli.context import project_root, report

EVENTS_DOCUMENT: Final = "docs/events.md"
EXAMPLE: Final = "examples/downstream.py"
CLIENT_SCHEMAS: Final = "clients/python/src/reprise_client/schemas"


def add_to(app: typer.Typer) -> None:
    app.command()(documents)


def documents() -> None:
    """Write classes, codecs, documents, and the clients' schemas and types anew, after a schema or a route changed."""
    root = project_root()
    made = made_files(root)
    for stray in sorted(kept_files(root) - set(made)):
        (root / stray).unlink()
        report(f"removed  {stray}")
    _write(root, made)


def _write(root: Path, made: dict[str, str]) -> None:
    for name, text in made.items():
        path = root / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            report(f"written  {name}")


def made_files(root: Path) -> dict[str, str]:
    """Give the text of each file that is made, by its path from the root."""
    from api.http import problem_pages  # noqa: PLC0415  # Few commands need the API, or every schema.
    from cli.made_python import explained, formatted  # noqa: PLC0415
    from schemas import reference  # noqa: PLC0415
    from schemas.generator.make import made_modules  # noqa: PLC0415

    modules = {name: explained(formatted(text)) for name, text in made_modules().items()}
    given = reference.blocks() | {"example": f"```python\n{(root / EXAMPLE).read_text(encoding='utf-8')}```"}
    document = (root / EVENTS_DOCUMENT).read_text(encoding="utf-8")
    problems = {problem_pages.DOCUMENT: problem_pages.as_markdown()}
    events = {EVENTS_DOCUMENT: reference.fill_blocks(document, given)}
    types = {typescript_types.FILE: typescript_types.typescript_types(openapi_document())}
    return modules | events | problems | types | _performance(root) | dict(_client_schemas())


def _performance(root: Path) -> dict[str, str]:
    """Give the page of the benches and its plots, of the figures of the last `bench all --page`."""
    from bench.report.page import files_of  # noqa: PLC0415  # The same.
    from cli.bench import recorded  # noqa: PLC0415

    return files_of(recorded(root))


def openapi_document() -> dict[str, Any]:
    """Give the API's own OpenAPI document, of the profile that has every route."""
    from api.app import create_app  # noqa: PLC0415  # The same.
    from api.main import build  # noqa: PLC0415
    from runtime.settings import Settings  # noqa: PLC0415

    state = build(Settings.model_validate({"profile": "demo"}), secrets.token_urlsafe())
    try:
        return create_app(state).openapi()
    finally:
        state.database.close()


def kept_files(root: Path) -> set[str]:
    """Give the files there are of which each must be made."""
    return {path.relative_to(root).as_posix() for path in (root / CLIENT_SCHEMAS).rglob("*") if path.is_file()}


def _client_schemas() -> Iterator[tuple[str, str]]:
    """Give every Avro file as it is, and of each message the JSON Schema of its newest version."""
    from schemas.avro_files import released_schemas, schema_files  # noqa: PLC0415
    from schemas.json_schemas import json_schema  # noqa: PLC0415
    from schemas.reference import messages  # noqa: PLC0415

    with as_file(schema_files()) as folder:
        for file in sorted(folder.rglob("*.avsc")):
            yield f"{CLIENT_SCHEMAS}/avro/{file.relative_to(folder).as_posix()}", file.read_text(encoding="utf-8")
    for message in messages():
        released = released_schemas(message.name)
        text = json.dumps(json_schema(released[max(released)]), indent=2, ensure_ascii=False)
        yield f"{CLIENT_SCHEMAS}/json/{message.name}.schema.json", f"{text}\n"
