"""Under which names the OpenAPI documents list the shapes of requests and replies: by title, not by class."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel

_PREFIX: Final = "#/components/schemas/"


def publish(document: dict[str, Any], fixed: Mapping[str, str] | None = None) -> None:
    """Rename each shape that FastAPI lists by its class to its title, or to a name that was fixed for it.

    A class has a name of its own in the whole server; clients know its shape by a name that never changes.
    """
    shapes = document["components"]["schemas"]
    names = {shape: (fixed or {}).get(shape, content.get("title", shape)) for shape, content in shapes.items()}
    assert len(set(names.values())) == len(names), "two shapes of one name: fix one of them"
    _rename_references(document, {_PREFIX + shape: _PREFIX + name for shape, name in names.items() if shape != name})
    document["components"]["schemas"] = {
        name: shapes[shape] for name, shape in sorted((n, s) for s, n in names.items())
    }


def shapes_of(
    model: type[BaseModel], mode: Literal["validation", "serialization"] = "validation"
) -> dict[str, dict[str, Any]]:
    """Give a shape that no route lists, behind those it is made of, under their published names."""
    schema = model.model_json_schema(ref_template=f"{_PREFIX}{{model}}", mode=mode)
    shapes = {**schema.pop("$defs", {}), model.__name__: schema}
    names = {shape: content.get("title", shape) for shape, content in shapes.items()}
    _rename_references(shapes, {_PREFIX + shape: _PREFIX + name for shape, name in names.items()})
    return {names[shape]: content for shape, content in shapes.items()}


def _rename_references(part: Any, names: dict[str, str]) -> None:
    match part:
        case {"$ref": str(target)} if target in names:
            part["$ref"] = names[target]
        case dict():
            for member in part.values():
                _rename_references(member, names)
        case list():
            for member in part:
                _rename_references(member, names)
        case _:
            pass  # A leaf.
