"""Writes the typed classes of a module: plain ones, with what a message is given as arguments, by name."""

from collections.abc import Iterable
from typing import Final

from schemas.avro_files import NO_DEFAULT, Language, RecordField, RecordVersion, Schema
from schemas.generator.language import Base, Module
from schemas.generator.names import PYTHON_TYPES
from schemas.generator.text import MADE, imports_of, tuple_of, union_of

UNITS: Final = {
    "micros": "Micros",
    "lots": "Lots",
    "ticks": "Ticks",
    "ppm": "Ppm",
    "hundredths": "Hundredths",
    "timestamp": "Timestamp",
}
DOCSTRING_MAX: Final = 110


class ClassWriter:
    """Writes one module."""

    def __init__(self, module: Module, language: Language, homes: dict[str, str]) -> None:
        """homes: the module of each record and enum of the language, by its name."""
        self._module = module
        self._language = language
        self._homes = homes
        self._used: dict[str, set[str]] = {}

    def text(self) -> str:
        """Give the whole file."""
        classes = self._classes()
        used = {name: names for name, names in self._used.items() if name != f"schemas.{self._module.name}"}
        used["typing"] = {"ClassVar", "Final"} | ({"Literal"} if self._module.enums else set())
        used["schemas.record"] = {"Record"}
        parts = [
            f'"""{self._module.doc}\n\n{MADE}\n"""',
            imports_of(used),
            *map(self._enum, self._module.enums),
            *classes,
            *(union_of(union.name, union.members) for union in self._module.unions),
        ]
        return "\n\n".join(parts) + "\n"

    def _classes(self) -> list[str]:
        """Give the text of each class; a base stands before the first that extends it."""
        found: dict[str, str] = {}
        for name in self._module.messages:
            record = self._language.newest(name)
            for base in self._module.bases:
                if base.name not in found and self._begins_with(record, base):
                    found[base.name] = self._base(base)
            found[name] = self._record(record)
        return list(found.values())

    def _enum(self, name: str) -> str:
        return f"{name} = Literal[{', '.join(map(repr, self._language.enums[name]))}]"

    def _base(self, base: Base) -> str:
        fields = {field.name: field for field in self._an_example(base).fields}
        inherited = [fields[name] for name in self._inherited(base)]
        own = [fields[name] for name in base.fields]
        head = self._head(base.name, base.parent, base.doc, own, whole=base.whole)
        return "\n".join([*head, *self._init(inherited, own, None, by_name=not base.whole)])

    def _an_example(self, base: Base) -> RecordVersion:
        """Give a message that begins with a base."""
        found = map(self._language.newest, self._module.messages)
        return next(record for record in found if self._begins_with(record, base))

    def _begins_with(self, record: RecordVersion, base: Base) -> bool:
        shared = (*self._inherited(base), *base.fields)
        return tuple(field.name for field in record.fields)[: len(shared)] == shared

    def _inherited(self, base: Base | None) -> tuple[str, ...]:
        """Give the names of the fields that stand before a base's own."""
        parent = next((each for each in self._module.bases if base and each.name == base.parent), None)
        return (*self._inherited(parent), *parent.fields) if parent else ()

    def _base_of(self, record: RecordVersion) -> Base | None:
        """Give the last base whose fields a record begins with."""
        found = [base for base in self._module.bases if self._begins_with(record, base)]
        return found[-1] if found else None

    def _record(self, record: RecordVersion) -> str:
        base = self._base_of(record)
        shared = (*self._inherited(base), *base.fields) if base else ()
        fields = [field for field in record.fields if field.name != self._module.added]
        inherited = [field for field in fields if field.name in shared]
        own = [field for field in fields if field.name not in shared]
        head = self._head(record.name, base.name if base else "Record", record.doc, own)
        whole = base if base and base.whole else None
        return "\n".join([*head, *self._init(inherited, own, whole, mutable=record.mutable)])

    def _head(self, name: str, parent: str, doc: str, own: list[RecordField], *, whole: bool = False) -> list[str]:
        lines = [f"class {name}({parent}):", *(f"    {line}" if line else "" for line in docstring(doc)), ""]
        lines.append(f"    FIELDS: ClassVar[tuple[str, ...]] = {tuple_of([field.name for field in own])}")
        optional = [field.name for field in own if field.nullable and self._has_default(field)]
        if optional:
            lines.append(f"    OPTIONAL: ClassVar[tuple[str, ...]] = {tuple_of(optional)}")
        if whole:
            lines.append("    WHOLE: ClassVar[bool] = True")
        return [*lines, "    __slots__ = FIELDS"]

    def _init(
        self,
        inherited: list[RecordField],
        own: list[RecordField],
        whole: Base | None,
        *,
        by_name: bool = True,
        mutable: bool = False,
    ) -> list[str]:
        """Give the constructor. Its arguments have the order of the fields, and are given by name."""
        if not own:
            return []
        arguments = [] if whole is None else [f"header: {whole.name}"]
        arguments += ["*"] if by_name else []
        arguments += [self._argument(field) for field in (own if whole else [*inherited, *own])]
        lines = ["", f"    def __init__(self, {', '.join(arguments)}) -> None:"]
        if whole is not None:
            lines.append(f"        super().__init__({', '.join(f'header.{field.name}' for field in inherited)})")
        elif inherited:
            lines.append(f"        super().__init__({', '.join(f'{field.name}={field.name}' for field in inherited)})")
        for field in own:
            value = f"{{}} if {field.name} is None else {field.name}" if field.default == {} else field.name
            lines.append(f"        self.{field.name}{'' if mutable else ': Final'} = {value}")
        return lines

    def _argument(self, field: RecordField) -> str:
        annotation = self._annotation(field)
        if not self._has_default(field):
            return f"{field.name}: {annotation}"
        if field.default == {}:
            return f"{field.name}: {annotation} | None = None"
        kind, _ = self._language.resolved(field.type)
        default = 0 if kind == "decimal" else field.default
        return (
            f"{field.name}: {annotation} = {UNITS[field.unit]}({default})"
            if (field.unit and default is not None)
            else f"{field.name}: {annotation} = {default!r}"
        )

    def _has_default(self, field: RecordField) -> bool:
        """Say whether a record may be made without a field: a command's that may be null, any other's of later."""
        if self._module.defaults:
            return field.default is not NO_DEFAULT
        return field.nullable and (self._module.name == "commands" or field.later)

    def _annotation(self, field: RecordField) -> str:
        if field.words is not None:
            self._use("schemas.words", field.words)
            given = f"tuple[{field.words}, ...]"
        elif field.unit is not None:
            self._use("schemas.units", UNITS[field.unit])
            is_map = self._language.resolved(field.type)[0] == "map"
            given = f"dict[str, {UNITS[field.unit]}]" if is_map else UNITS[field.unit]
        else:
            given = self._type(field.type)
        return f"{given} | None" if field.nullable else given

    def _type(self, schema: Schema) -> str:
        kind, name = self._language.resolved(schema)
        match kind:
            case "record" | "enum":
                self._use(f"schemas.{self._homes[name]}", name)
                return name
            case "array":
                return f"tuple[{self._type(schema['items'])}, ...]"
            case "map":
                return f"dict[str, {self._type(schema['values'])}]"
            case _:
                return PYTHON_TYPES[kind] if kind in PYTHON_TYPES else self._type(kind)

    def _use(self, module: str, name: str) -> None:
        self._used.setdefault(module, set()).add(name)


def docstring(text: str) -> Iterable[str]:
    """Write a docstring; one of two sentences that does not fit its line takes a paragraph for the second."""
    if len(text) <= DOCSTRING_MAX:
        return [f'"""{text}"""']
    first, _, rest = text.partition(". ")
    return [f'"""{first}.', "", rest, '"""'] if rest else [f'"""{text}', '"""']
