"""What an Avro schema of ours is as a JSON Schema: integers stay integers, bytes become hex digits."""

from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Final = {"long": "integer", "string": "string", "boolean": "boolean", "null": "null"}

Json = dict[str, Any]


def json_schema(avro: Json) -> Json:
    """Give the JSON Schema of a message. A field added later may be missing: messages from before have none."""
    named: dict[str, Json] = {}
    record = _record(avro, named)
    name, namespace = avro["name"], avro["namespace"].replace(".", ":")
    made = {"$schema": DIALECT, "$id": f"urn:{namespace}:{name}", "title": name} | record
    return made | ({"$defs": dict(sorted(named.items()))} if named else {})


def _record(avro: Json, named: dict[str, Json]) -> Json:
    return {
        "description": avro["doc"],
        "type": "object",
        "properties": {
            field["name"]: _of(field["type"], named) | {"description": field["doc"]} for field in avro["fields"]
        },
        "required": [field["name"] for field in avro["fields"] if "default" not in field],
    }


def _of(avro: Any, named: dict[str, Json]) -> Json:
    if isinstance(avro, list):
        branches = [_of(branch, named) for branch in avro]
        if all(set(branch) == {"type"} for branch in branches):
            return {"type": [branch["type"] for branch in branches]}
        return {"anyOf": branches}
    if isinstance(avro, str):
        return {"type": _PLAIN[avro]} if avro in _PLAIN else _reference(avro)
    match avro["type"]:
        case "array":
            return {"type": "array", "items": _of(avro["items"], named)}
        case "map":
            return {"type": "object", "additionalProperties": _of(avro["values"], named)}
        case "bytes":  # A decimal without decimal places.
            return {"type": "integer"}
        case "fixed":
            named[avro["name"]] = {"type": "string", "pattern": f"^[0-9a-f]{{{2 * avro['size']}}}$"}
        case "enum":
            named[avro["name"]] = {"enum": avro["symbols"]}
        case "record":
            named[avro["name"]] = _record(avro, named)
        case inner:
            return _of(inner, named)
    return _reference(avro["name"])


def _reference(name: str) -> Json:
    return {"$ref": f"#/$defs/{name.rpartition('.')[2]}"}
