"""Gives the text of each Python file that is made of the Avro files."""

from schemas.avro_files import Language
from schemas.generator.classes import ClassWriter
from schemas.generator.codecs import CodecWriter
from schemas.generator.language import MODULES


def made_modules() -> dict[str, str]:
    """Give each file's text by its path from the root, before the formatter has seen it."""
    language = Language(tuple(name for module in MODULES for name in module.messages))
    homes = {name: module.name for module in MODULES for name in (*module.messages, *module.enums)}
    made: dict[str, str] = {}
    for module in MODULES:
        made[f"schemas/{module.name}.py"] = ClassWriter(module, language, homes).text()
        made[f"schemas/{module.name}_codec.py"] = CodecWriter(module, language, homes).text()
    return made
