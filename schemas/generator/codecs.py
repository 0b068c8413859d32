"""Writes the encoders and decoders of a module's messages: a function each way for each version of each record."""

from collections.abc import Iterator
from typing import Final

from schemas.avro_files import Language, RecordField, RecordVersion, Schema, released_schemas
from schemas.generator.language import Base, Module
from schemas.generator.names import PYTHON_TYPES, constant_of, function_of, missing_fields, prefix_of, snake
from schemas.generator.text import MADE, imports_of

PLAIN: Final = ("long", "string", "boolean", "decimal")
UNTYPED: Final = '# A unit is an integer on the wire.\n# mypy: disable-error-code="arg-type"'


class CodecWriter:
    """Writes one module's codec."""

    def __init__(self, module: Module, language: Language, homes: dict[str, str]) -> None:
        """homes: the module of each record and enum of the language, by its name."""
        self._module = module
        self._language = language
        self._homes = homes
        self._used: dict[str, set[str]] = {}

    def text(self) -> str:
        """Give the whole file."""
        enums = [self._enum(name) for name in self._module.enums]
        functions = [
            text
            for name in self._module.messages
            for record in self._language.records[name]
            for text in (self._writer(record), self._reader(record))
        ]
        functions[:0] = [text for base in self._module.bases if base.whole for text in self._of_base(base)]
        tables = self._tables()
        used = {name: names for name, names in self._used.items() if name != f"schemas.{self._module.name}_codec"}
        doc = f"How {self._module.name.replace('_', ' ')} are written and read: each version of each.\n\n{MADE}"
        return "\n\n".join([f'"""{doc}\n"""', UNTYPED, imports_of(used), *enums, *functions, *tables]) + "\n"

    def _enum(self, name: str) -> str:
        self._use("typing", "Final")
        self._use(f"schemas.{self._module.name}", name)
        symbols = ", ".join(map(repr, self._language.enums[name]))
        numbers = ", ".join(f"{symbol!r}: {number}" for number, symbol in enumerate(self._language.enums[name]))
        constant = constant_of(name)
        return f"{constant}_WORDS: Final[tuple[{name}, ...]] = ({symbols})\n{constant}_NUMBERS: Final = {{{numbers}}}"

    def _writer(self, record: RecordVersion) -> str:
        self._use("librt.strings", "BytesWriter")
        self._use(f"schemas.{self._module.name}", record.name)
        whole, fields = self._split(record)
        lines = [f"def write_{function_of(record)}(out: BytesWriter, record: {record.name}) -> None:"]
        lines.append(f'    """Write the fields of version {record.number}."""')
        if whole is not None:
            lines.append(f"    write_{snake(whole.name)}(out, record)")
        for field in fields:
            if field.name != self._module.added:
                lines += [f"    {line}" for line in self._write_field(field)]
        return "\n".join(lines)

    def _split(self, record: RecordVersion) -> tuple[Base | None, list[RecordField]]:
        """Give what a record begins with as a whole, and the fields behind it."""
        for base in self._module.bases:
            size = len(base.fields)
            if base.whole and tuple(field.name for field in record.fields[:size]) == base.fields:
                return base, list(record.fields[size:])
        return None, list(record.fields)

    def _of_base(self, base: Base) -> list[str]:
        """Give the two functions of what several messages begin with as a whole."""
        self._use(f"schemas.{self._module.name}", base.name)
        record = next(one for name in self._module.messages for one in self._language.records[name])
        fields, function = record.fields[: len(base.fields)], snake(base.name)
        writer = [f"def write_{function}(out: BytesWriter, record: {base.name}) -> None:"]
        writer.append('    """Write what all begin with."""')
        reader = [f"def read_{function}(value: bytes, at: int) -> tuple[{base.name}, int]:"]
        reader.append('    """Read what all begin with."""')
        for field in fields:
            writer += [f"    {line}" for line in self._write_field(field)]
            reader += [f"    {line}" for line in self._read_field(field)]
        reader.append(f"    return {base.name}({', '.join(base.fields)}), at")
        return ["\n".join(writer), "\n".join(reader)]

    def _write_field(self, field: RecordField) -> list[str]:
        value = f"record.{field.name}"
        if not field.nullable:
            return list(self._write(field.type, value))
        self._use("schemas.wire", "write_not_null", "write_null")
        return [
            f"if {value} is None:",
            "    write_null(out)",
            "else:",
            "    write_not_null(out)",
            *(f"    {line}" for line in self._write(field.type, value)),
        ]

    def _write(self, schema: Schema, value: str) -> Iterator[str]:
        kind, name = self._language.resolved(schema)
        if kind in PLAIN:
            self._use("schemas.wire", f"write_{kind}")
            yield f"write_{kind}(out, {value})"
        elif kind == "fixed":
            self._use("schemas.wire", "write_fixed")
            yield f"write_fixed(out, {value}, {self._language.fixed[name]})"
        elif kind == "enum":
            self._use("schemas.wire", "write_long")
            self._use(self._codec_of(name), f"{constant_of(name)}_NUMBERS")
            yield f"write_long(out, {constant_of(name)}_NUMBERS[{value}])"
        elif kind == "record":
            function = f"write_{self._inner_function(schema, name)}"
            self._use(self._codec_of(name), function)
            yield f"{function}(out, {value})"
        elif kind == "array":
            self._use("schemas.wire", "write_long")
            yield f"if {value}:"
            yield f"    write_long(out, len({value}))"
            item = f"{value.rpartition('.')[2]}_item"
            yield f"    for {item} in {value}:"
            for line in self._write(schema["items"], item):
                yield f"        {line}"
            yield "write_long(out, 0)"
        elif kind == "map":
            self._use("schemas.wire", "write_long", "write_string")
            name = value.rpartition(".")[2]
            yield f"if {value}:"
            yield f"    write_long(out, len({value}))"
            yield f"    for {name}_key, {name}_value in {value}.items():"
            yield f"        write_string(out, {name}_key)"
            for line in self._write(schema["values"], f"{name}_value"):
                yield f"        {line}"
            yield "write_long(out, 0)"
        else:
            yield from self._write(kind, value)

    def _reader(self, record: RecordVersion) -> str:
        outer = bool(released_schemas(record.name))
        given = record.name if outer else f"tuple[{record.name}, int]"
        lines = [f"def read_{function_of(record)}(value: bytes, at: int) -> {given}:"]
        lines.append(f'    """Read the fields of version {record.number}."""')
        whole, fields = self._split(record)
        arguments = []
        if whole is not None:
            lines.append(f"    header, at = read_{snake(whole.name)}(value, at)")
            arguments.append("header")
        for field in fields:
            lines += [f"    {line}" for line in self._read_field(field)]
            if field.name == self._module.added:
                lines[-1] = lines[-1].replace(f"{field.name}, at", "_, at")
            else:
                arguments.append(f"{field.name}={field.name}")
        # A field of later is null, which is what Avro's resolution gives.
        arguments += [f"{name}=None" for name in missing_fields(self._language.newest(record.name), record)]
        made = f"{record.name}({', '.join(arguments)})"
        if outer:
            self._use("schemas.wire", "must_end")
            return "\n".join([*lines, "    must_end(value, at)", f"    return {made}"])
        return "\n".join([*lines, f"    return {made}, at"])

    def _read_field(self, field: RecordField) -> list[str]:
        if not field.nullable:
            return list(self._read(field.type, field.name))
        self._use("schemas.wire", "read_is_null")
        return [
            f"{field.name}: {self._annotation(field.type)} | None = None",
            "is_null, at = read_is_null(value, at)",
            "if not is_null:",
            *(f"    {line}" for line in self._read(field.type, field.name)),
        ]

    def _read(self, schema: Schema, variable: str) -> Iterator[str]:
        kind, name = self._language.resolved(schema)
        if kind in PLAIN:
            self._use("schemas.wire", f"read_{kind}")
            yield f"{variable}, at = read_{kind}(value, at)"
        elif kind == "fixed":
            self._use("schemas.wire", "read_fixed")
            yield f"{variable}, at = read_fixed(value, at, {self._language.fixed[name]})"
        elif kind == "enum":
            self._use("schemas.wire", "read_count")
            self._use(self._codec_of(name), f"{constant_of(name)}_WORDS")
            yield f"{variable}_number, at = read_count(value, at)"
            yield f"{variable} = {constant_of(name)}_WORDS[{variable}_number]"
        elif kind == "record":
            function = f"read_{self._inner_function(schema, name)}"
            self._use(self._codec_of(name), function)
            yield f"{variable}, at = {function}(value, at)"
        elif kind == "array":
            self._use("schemas.wire", "read_block")
            yield f"{variable}_items: list[{self._annotation(schema['items'])}] = []"
            yield "count, at = read_block(value, at)"
            yield "while count:"
            yield "    for _ in range(count):"
            for line in self._read(schema["items"], f"{variable}_item"):
                yield f"        {line}"
            yield f"        {variable}_items.append({variable}_item)"
            yield "    count, at = read_block(value, at)"
            yield f"{variable} = tuple({variable}_items)"
        elif kind == "map":
            self._use("schemas.wire", "read_block", "read_string")
            yield f"{variable}: dict[str, {self._annotation(schema['values'])}] = {{}}"
            yield "count, at = read_block(value, at)"
            yield "while count:"
            yield "    for _ in range(count):"
            yield f"        {variable}_key, at = read_string(value, at)"
            for line in self._read(schema["values"], f"{variable}_value"):
                yield f"        {line}"
            yield f"        {variable}[{variable}_key] = {variable}_value"
            yield "    count, at = read_block(value, at)"
        else:
            yield from self._read(kind, variable)

    def _annotation(self, schema: Schema) -> str:
        kind, name = self._language.resolved(schema)
        if kind in ("record", "enum"):
            self._use(f"schemas.{self._homes[name]}", name)
            return name
        if kind == "array":
            return f"tuple[{self._annotation(schema['items'])}, ...]"
        if kind == "map":
            return f"dict[str, {self._annotation(schema['values'])}]"
        return PYTHON_TYPES[kind] if kind in PYTHON_TYPES else self._annotation(kind)

    def _tables(self) -> list[str]:
        """Give what finds the functions of a message: one line for each schema in a file of its own."""
        rows = []
        for name in self._module.messages:
            for version, schema in released_schemas(name).items():
                record = self._version_of(name, version)
                function, fields = function_of(record), self._missing_in_items(record)
                missing = missing_fields(self._language.newest(name), record)
                arguments = [name, str(version), f"bytes.fromhex({prefix_of(schema).hex()!r})"]
                arguments += [f"write_{function}", f"read_{function}"]
                arguments += [f"missing={missing}"] if missing else []
                arguments += [f"missing_in_items={tuple(fields)}"] if fields else []
                rows.append(f"Form({', '.join(arguments)}),")
        if not rows:
            return []
        self._use("typing", "Final")
        self._use("schemas.forms", "Form")
        return [f"FORMS: Final = ({' '.join(rows)})"]

    def _missing_in_items(self, record: RecordVersion) -> list[tuple[str, tuple[str, ...]]]:
        """Give what records in the arrays of a form lack of what their newest versions have."""
        found = []
        for field in record.fields:
            kind, _ = self._language.resolved(field.type)
            if kind == "array" and self._language.resolved(field.type["items"])[0] == "record":
                schema = field.type["items"]
                name = self._language.resolved(schema)[1]
                lacks = missing_fields(self._language.newest(name), self._inner_version(schema, name))
                found += [(field.name, lacks)] if lacks else []
        return found

    def _version_of(self, name: str, version: int) -> RecordVersion:
        """Give the form that a file has, which may be one of an earlier version."""
        return [record for record in self._language.records[name] if record.number <= version][-1]

    def _codec_of(self, name: str) -> str:
        return f"schemas.{self._homes[name]}_codec"

    def _inner_function(self, schema: Schema, name: str) -> str:
        """Name the functions of a record inside a message."""
        return function_of(self._inner_version(schema, name))

    def _inner_version(self, schema: Schema, name: str) -> RecordVersion:
        """Give the version whose fields a record has inside a message."""
        if isinstance(schema, str):
            return self._language.newest(name)
        names = [field["name"] for field in schema["fields"]]
        return next(one for one in self._language.records[name] if [field.name for field in one.fields] == names)

    def _use(self, module: str, *names: str) -> None:
        self._used.setdefault(module, set()).update(names)
