"""`.env.example` names every setting the services take, with its meaning and its default, and no other."""

from pydantic.fields import FieldInfo

from runtime.settings import Settings
from tests.house.project import ROOT

HEADER = (
    "# Copy to .env here, or in an instance's folder, and uncomment what you change. Every setting, its meaning and\n"
    "# its default. A variable of the environment wins over the file of the instance, and that over the one here.\n"
)


def test_env_example_has_the_settings_meanings_and_defaults_of_the_code() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == HEADER + "".join(
        f"\n{entry(field)}" for field in Settings.model_fields.values()
    )


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def entry(field: FieldInfo) -> str:
    return f"# {field.description}\n#{field.validation_alias}={text(field.default)}\n"


def text(default: object) -> str:
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(str(part) for part in default)
        case _:
            return str(default)
