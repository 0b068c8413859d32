"""Which types the TypeScript client has: one of each shape in the API's OpenAPI document."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

FILE: Final = "clients/typescript/src/schemas.ts"
WIDTH: Final = 120
HEADER: Final = """\
/** What the exchange is sent and answers, as its OpenAPI document has it. `./reprise documents` writes this file. */

import type { Decimal } from "./decimals.ts";
"""
PRIMITIVES: Final = {"string": "string", "integer": "number", "boolean": "boolean", "null": "null", "object": "object"}
IDENTIFIER: Final = re.compile(r"^[A-Za-z_$][\w$]*$")

Shape = Mapping[str, Any]


def typescript_types(document: Shape) -> str:
    """Give the text of the file; a number that is sent or answered in decimal digits is a `Decimal`, never a float."""
    declared = [_declared(name, shape) for name, shape in sorted(document["components"]["schemas"].items())]
    return "\n".join([HEADER, *declared])


def _declared(name: str, shape: Shape) -> str:
    comment = _comment(shape, "")
    if "properties" not in shape:
        return f"{comment}export type {name} = {type_of(shape)};\n"
    members = "".join(_members(shape))
    more = "  readonly [member: string]: unknown;\n" if shape.get("additionalProperties") is True else ""
    return f"{comment}export interface {name} {{\n{members}{more}}}\n"


def _members(shape: Shape) -> Iterator[str]:
    required = set(shape.get("required", ()))
    for name, member in shape["properties"].items():
        # What has one value is known without being asked for, and tells messages apart.
        optional = "" if name in required or "const" in member else "?"
        key = name if IDENTIFIER.match(name) else json.dumps(name)
        yield f"{_comment(member, '  ')}  readonly {key}{optional}: {type_of(member)};\n"


def type_of(shape: Shape) -> str:
    """Write a shape as a type."""
    match shape:
        case {"$ref": str(target)}:
            return target.rpartition("/")[2]
        case {"const": value}:
            return json.dumps(value)
        case {"enum": [*values]}:
            return " | ".join(json.dumps(value) for value in values)
        case {"anyOf": [*parts]} | {"oneOf": [*parts]} if "properties" not in shape:
            return _union(parts)
        case {"type": "array", "items": items}:
            inner = type_of(items)
            return f"readonly {inner}[]" if IDENTIFIER.match(inner) else f"readonly ({inner})[]"
        case {"format": "decimal"}:
            return "Decimal"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"Readonly<Record<string, {type_of(values)}>>"
        case {"type": "object"}:
            return "Readonly<Record<string, unknown>>"
        case {"type": str(primitive)}:
            return PRIMITIVES[primitive]
        case _:
            return "unknown"


def _union(parts: Sequence[Shape]) -> str:
    """Give the types there are, each once; what may be sent as digits is not sent as a float."""
    digits = any(part.get("format") == "decimal" for part in parts)
    kept = [part for part in parts if not (digits and part.get("type") == "number")]
    return " | ".join(dict.fromkeys(type_of(part) for part in kept))


def _comment(shape: Shape, indent: str) -> str:
    text = " ".join(str(shape.get("description", "")).split()).replace("*/", "* /")
    if not text:
        return ""
    if len(line := f"{indent}/** {text} */") <= WIDTH:
        return f"{line}\n"
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) + len(indent) + 4 <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "".join([f"{indent}/**\n", *(f"{indent} * {line}\n" for line in lines), f"{indent} */\n"])
