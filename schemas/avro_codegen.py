"""How a schema becomes a function that writes a message, and one that reads it: straight code made from its fields.

Only what our schemas use: records, arrays, enums, fixed, unions of null and one other type, long, string, boolean. The
functions do what fastavro does, several times faster; a test compares the two.
"""

from collections.abc import Callable
from typing import Any, Final

Schema = Any  # a schema as JSON has it: a name, a list (union) or an object
Writer = Callable[[Any, bytes], bytes]
Reader = Callable[[bytes, int], Any]

SMALL_MAX: Final = 1 << 14  # numbers below it take one or two bytes, and one look-up
KEPT_MAX: Final = 1_024  # numbers whose bytes are kept
INT64_BITS: Final = 64
MORE: Final = 0x80  # the bit of a byte that says that more follow
SEVEN_BITS: Final = 0x7F


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the high bit says that more follow."""
    out = bytearray()
    while number > SEVEN_BITS:
        out.append(number & SEVEN_BITS | MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


_FROM_THE_SECOND: Final = tuple(range(7, INT64_BITS + 6, 7))
_FROM_THE_FOURTH: Final = _FROM_THE_SECOND[2:]
_SMALL: Final = tuple(_varint(number) for number in range(SMALL_MAX))
_MORE: Final = tuple(bytes((number & SEVEN_BITS | MORE, number >> 7 | MORE)) for number in range(SMALL_MAX))
_LOW: Final = SMALL_MAX - 1


def write_long(number: int) -> bytes:
    """Zigzag, then seven bits a byte; fourteen at a time from a table."""
    bits = number << 1 if number >= 0 else ~(number << 1)
    if bits < 1 << 14:
        return _SMALL[bits]
    if bits < 1 << 28:
        return _MORE[bits & _LOW] + _SMALL[bits >> 14]
    if bits < 1 << 42:
        return _MORE[bits & _LOW] + _MORE[bits >> 14 & _LOW] + _SMALL[bits >> 28]
    if bits < 1 << 56:
        return _MORE[bits & _LOW] + _MORE[bits >> 14 & _LOW] + _MORE[bits >> 28 & _LOW] + _SMALL[bits >> 42]
    if bits >> INT64_BITS:
        raise OverflowError(f"{number} exceeds 64 bits")
    return _varint(bits)


class _Longs(dict[int, bytes]):
    """What numbers are on the wire. Most of a message's come again in the next: rates, a tick's prices, the time."""

    def __missing__(self, number: int) -> bytes:
        if len(self) >= KEPT_MAX:
            self.clear()
        written = self[number] = write_long(number)
        return written


_LONGS: Final = _Longs()


def read_rest(value: bytes, at: int, bits: int, shifts: tuple[int, ...] = _FROM_THE_FOURTH) -> tuple[int, int]:
    """Read on where a long's bits up to now say that more follow: all of them, and where the next field begins.

    shifts: of the bytes that may follow; what the generated code reads by itself are the first three.
    """
    for shift in shifts:
        byte = value[at]
        at += 1
        if byte < MORE:
            bits |= byte << shift
            if bits >> INT64_BITS:
                raise ValueError("a number exceeds 64 bits")
            return bits, at
        bits |= (byte & SEVEN_BITS) << shift
    raise ValueError("a number of more than ten bytes")


def read_first(value: bytes, at: int) -> int:
    """Read the long that stands there, and nothing behind it."""
    first = value[at]
    bits = first if first < MORE else read_rest(value, at + 1, first & SEVEN_BITS, _FROM_THE_SECOND)[0]
    return bits >> 1 ^ -(bits & 1)


def compile_writer(schema: Schema, *, without: str | None = None) -> Writer:
    """Give `write(message, prefix)`: the prefix and the record's fields, all but the one named."""
    names: dict[str, Any] = {"longs": _LONGS}
    expressions = _Expressions(names)
    parts = [
        expressions.of(field["type"], f"message.{field['name']}")
        for field in schema["fields"]
        if field["name"] != without
    ]
    write: Writer = _compiled("write", ["message", "prefix"], [f"return b''.join((prefix, {', '.join(parts)}))"], names)
    return write


def compile_reader(schema: Schema, message_type: type, types: dict[str, type], *, without: str | None = None) -> Reader:
    """Give `read(value, at)`: the message whose fields begin there and end where the value does.

    types: of the records inside, by name. A field of a type that the schema, an older one, does not have is null, which
    is what Avro's resolution gives. Raises ValueError or IndexError for bytes that are no such message.
    """
    names: dict[str, Any] = {"read_rest": read_rest, "message_type": message_type}
    statements = _Statements(names, types)
    arguments = []
    for field in schema["fields"]:
        variable = statements.read(field["type"])
        if field["name"] != without:
            arguments.append(f"{field['name']}={variable}")
    arguments += _nulls(schema, message_type)
    statements.add("if at != len(value): raise ValueError('it ends early, or bytes follow it')")
    statements.add(f"return message_type({', '.join(arguments)})")
    read: Reader = _compiled("read", ["value", "at"], statements.lines, names)
    return read


def _compiled(name: str, parameters: list[str], lines: list[str], names: dict[str, Any]) -> Any:
    body = "\n".join(f"    {line}" for line in lines)
    exec(f"def {name}({', '.join(parameters)}):\n{body}\n", names)  # noqa: S102  # Our own schemas, our own text.
    return names[name]


class _Expressions:
    """Writes each type as one expression that gives its bytes."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._named: dict[str, Schema] = {}

    def of(self, schema: Schema, value: str) -> str:
        """Give the expression for a value that stands in this expression."""
        schema = _resolved(schema, self._named)
        if isinstance(schema, list):
            return f"(b'\\0' if {value} is None else b'\\2' + {self.of(_other(schema), value)})"
        kind: str = schema if isinstance(schema, str) else schema["type"]
        match kind:
            case "long":
                return f"longs[{value}]"
            case "string":
                return f"longs[len(text := {value}.encode())] + text"
            case "boolean":
                return f"(b'\\1' if {value} else b'\\0')"
            case "fixed":
                return value
            case "enum":
                table = f"symbols_{len(self._names)}"
                self._names[table] = {symbol: write_long(index) for index, symbol in enumerate(schema["symbols"])}
                return f"{table}[{value}]"
            case "array":
                item = f"item_{len(self._names)}"
                self._names[item] = None  # Takes the name.
                items = f"b''.join([{self.of(schema['items'], item)} for {item} in {value}])"
                return f"(longs[len({value})] + {items} + b'\\0' if {value} else b'\\0')"
            case "record":
                fields = (self.of(field["type"], f"{value}.{field['name']}") for field in schema["fields"])
                return f"({' + '.join(fields)})"
            case _:
                raise TypeError(f"no writer for {schema}")


class _Statements:
    """Reads each type by statements that leave it in a variable; `at` moves on."""

    def __init__(self, names: dict[str, Any], types: dict[str, type]) -> None:
        self.lines: list[str] = []
        self._names = names
        self._types = types
        self._named: dict[str, Schema] = {}
        self._indent = ""
        self._count = 0

    def add(self, *lines: str) -> None:
        """Add statements where the reading is."""
        self.lines += [self._indent + line for line in lines]

    def read(self, schema: Schema) -> str:
        """Add what reads a value, and give the variable it is in."""
        schema = _resolved(schema, self._named)
        self._count += 1
        variable = f"v{self._count}"
        kind = schema if isinstance(schema, str) else "union" if isinstance(schema, list) else schema["type"]
        getattr(self, f"_read_{kind}")(schema, variable)
        return variable

    def _read_bits(self, variable: str) -> None:
        """Most numbers have one to three bytes, read without a call. Each byte but the last has 128 too much."""
        two, three = MORE, MORE + (MORE << 7)
        four = three + (MORE << 14)
        self.add(
            f"{variable} = value[at]; at += 1",
            f"if {variable} > 127:",
            "    second = value[at]; at += 1",
            f"    if second < 128: {variable} += (second << 7) - {two}",
            "    else:",
            "        third = value[at]; at += 1",
            f"        {variable} += (second << 7) + (third << 14)",
            f"        if third < 128: {variable} -= {three}",
            f"        else: {variable}, at = read_rest(value, at, {variable} - {four})",
        )

    def _read_count(self, variable: str, what: str) -> None:
        """A number that must not be negative."""
        self._read_bits(variable)
        self.add(f"if {variable} & 1: raise ValueError({what + ' is negative'!r})", f"{variable} >>= 1")

    def _read_long(self, _schema: Schema, variable: str) -> None:
        self._read_bits(variable)
        self.add(f"{variable} = ~({variable} >> 1) if {variable} & 1 else {variable} >> 1")

    def _read_boolean(self, _schema: Schema, variable: str) -> None:
        self.add(
            f"{variable} = value[at]; at += 1",
            f"if {variable} > 1: raise ValueError('neither true nor false')",
            f"{variable} = {variable} == 1",
        )

    def _read_string(self, _schema: Schema, variable: str) -> None:
        self._read_count(variable, "a length")
        self.add(f"at += {variable}", f"{variable} = value[at - {variable}:at].decode()")

    def _read_fixed(self, schema: Schema, variable: str) -> None:
        self.add(f"{variable} = value[at:at + {schema['size']}]; at += {schema['size']}")

    def _read_enum(self, schema: Schema, variable: str) -> None:
        self._names[f"symbols_{variable}"] = tuple(schema["symbols"])
        self._read_count(variable, "a symbol's number")
        self.add(f"{variable} = symbols_{variable}[{variable}]")

    def _read_union(self, schema: Schema, variable: str) -> None:
        self._read_bits(variable)
        self.add(f"if {variable} == 0: {variable} = None", f"elif {variable} == 2:")
        outer, self._indent = self._indent, self._indent + "    "
        self.add(f"{variable} = {self.read(_other(schema))}")
        self._indent = outer
        self.add("else: raise ValueError('no branch of the union')")

    def _read_array(self, schema: Schema, variable: str) -> None:
        """Blocks of items, each behind its count, up to a count of 0; after a negative count comes the block's size."""
        count, items = f"count_{variable}", f"items_{variable}"
        self.add(f"{items} = []", "while True:")
        outer, self._indent = self._indent, self._indent + "    "
        self._read_long(schema, count)
        self.add(f"if {count} == 0: break", f"if {count} < 0:", f"    {count} = -{count}")
        self._indent += "    "
        self._read_bits(f"size_{variable}")
        self._indent = self._indent[:-4]
        self.add(f"for _ in range({count}):")
        self._indent += "    "
        self.add(f"{items}.append({self.read(schema['items'])})")
        self._indent = outer
        self.add(f"{variable} = tuple({items})")

    def _read_record(self, schema: Schema, variable: str) -> None:
        record_type = self._names[f"type_{variable}"] = self._types[schema["name"].rpartition(".")[2]]
        fields = [f"{field['name']}={self.read(field['type'])}" for field in schema["fields"]]
        fields += _nulls(schema, record_type)
        self.add(f"{variable} = type_{variable}({', '.join(fields)})")


def _nulls(schema: Schema, record_type: Any) -> list[str]:
    """Give what the fields are that a type has and its writer's schema does not."""
    written = {field["name"] for field in schema["fields"]}
    return [f"{name}=None" for name in record_type.__struct_fields__ if name not in written]


def _resolved(schema: Schema, named: dict[str, Schema]) -> Schema:
    """Remember a type that has a name, and find one that is referred to by it."""
    if isinstance(schema, dict):
        if "name" in schema:
            named[_full_name(schema)] = schema
        return schema
    return named.get(schema, schema) if isinstance(schema, str) else schema


def _full_name(schema: dict[str, Any]) -> str:
    name: str = schema["name"]
    return f"{schema['namespace']}.{name}" if "." not in name and schema.get("namespace") else name


def _other(union: list[Schema]) -> Schema:
    """Give the type beside null."""
    null, other = union
    if null != "null":
        raise TypeError(f"a union of null first and one other type was expected, not {union}")
    return other
