"""Where settings come from: the environment, then two files `.env`; and what is said of those that are wrong."""

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

from annotated_types import Ge, Le
from dotenv.main import resolve_variables
from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from runtime.errors import FixableError, Mistakes
from runtime.setting_values import RECORDED
from runtime.settings import DEFAULT_DATA, Settings

FILE_NAME: Final = ".env"
DATA: Final = "REPRISE_DATA"
# Names the file with the secrets of one program of an instance: JSON, a text by the name of each setting.
SECRETS_FILE: Final = "REPRISE_SECRETS"
# Here nothing says something: no proxy is believed.
EMPTY_HAS_MEANING: Final = frozenset({"TRUSTED_PROXIES"})
SAME: Final = (("JWT_SECRET", "AUTH_JWT_SECRET"), ("PRICE_INTERVAL_MS", "POLLER_UPDATE_INTERVAL"))
PASSWORD: Final = re.compile(r"(://[^/@]*?:).*@|((?:^|[?&])(?:password|sslpassword)=)[^&]*")


class SettingsWrong(Mistakes):
    """Every wrong setting at once; `others` are the settings without them."""

    def __init__(self, mistakes: Mapping[str, str], others: Settings) -> None:
        super().__init__(mistakes)
        self.others = others


class Given(NamedTuple):
    """A setting's text, and the file it is from; null for the environment."""

    text: str
    file: Path | None


class EnvFile(NamedTuple):
    """What a file `.env` says: settings by name, names that are none, and lines that say nothing."""

    path: Path
    known: dict[str, str]
    unknown: list[str]
    mistakes: list[str]


def load_settings(project: Path, data: Path | None) -> Settings:
    """Give the settings of the environment, of `.env` in the instance's folder, and of the project's, in this order.

    `data` is the instance's folder where the command names it. SettingsWrong says all that is wrong.
    """
    files = env_files(project, data)
    given = {name: Given(text, file.path) for file in files for name, text in file.known.items()}
    given |= {name: Given(text, None) for name, text in _in_environment().items()}
    secrets = os.environ.get(SECRETS_FILE)
    if secrets:
        given = _with_secrets_of(Path(secrets), given)
    # What is empty hides what stands in a file, and is not set.
    given = {name: one for name, one in given.items() if one.text or name in EMPTY_HAS_MEANING}
    mistakes = {f"{file.path}:{number}": line for file in files for number, line in enumerate(file.mistakes)}
    for one, other in SAME:
        if one in given and other in given and given[one].text.strip() != given[other].text.strip():
            mistakes[one] = f"{one} and {other} are both set and differ; set one of them."
            del given[other]
    settings, wrong = _validated(given)
    mistakes |= wrong
    if mistakes:
        raise SettingsWrong(mistakes, settings)
    return settings


def env_files(project: Path, data: Path | None) -> list[EnvFile]:
    """Read the project's `.env` and the one of the instance's folder, where there are any."""
    file = read_env_file(project / FILE_NAME)
    folder = data or _named_folder(file) or project / DEFAULT_DATA
    return [file] if folder == project else [file, read_env_file(folder / FILE_NAME)]


def named_folder(project: Path) -> Path | None:
    """Give the instance's folder that REPRISE_DATA names, here or in the project's `.env`; null where neither does."""
    return _named_folder(read_env_file(project / FILE_NAME))


def read_env_file(path: Path) -> EnvFile:
    """Read what a file says; a name it does not have is no mistake, a line that cannot be read is one."""
    empty = EnvFile(path, {}, [], [])
    if path.exists() and not path.is_file():
        return empty._replace(mistakes=[f"{path} cannot be read: it is no file."])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return empty
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        return empty._replace(mistakes=[f"{path} cannot be read: {why}."])
    names, read = known_names(), empty
    bindings = list(parse_stream(StringIO(text)))
    # A line that cannot be read is not shown: it may be the second one of a secret.
    read.mistakes.extend(
        f"Line {binding.original.line} of {path} is no NAME=VALUE."
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    )
    pairs = [(binding.key, binding.value) for binding in bindings if binding.key and binding.value is not None]
    given = {(key.upper(), value) for key, value in pairs if key.upper() in names}
    read.mistakes.extend(
        f"{path} has {name} more than once, and not the same; leave one of them."
        for name, count in Counter(name for name, _ in given).items()
        if count > 1
    )
    for key, value in resolve_variables(pairs, override=True).items():
        name = key.upper()
        if name in names:
            read.known[name] = _of_folder(name, value or "", path.parent)
        else:
            read.unknown.append(key)
    return read


def meant_instead(name: str) -> str | None:
    """Give the setting that a name which is none may have been meant for."""
    close = difflib.get_close_matches(name.upper(), sorted(known_names()), n=1, cutoff=0.75)
    return close[0] if close else None


def known_names() -> dict[str, FieldInfo]:
    """Give every setting by the name it has outside."""
    return {str(field.validation_alias): field for field in Settings.model_fields.values()}


def shown(name: str, text: str) -> str:
    """Write a setting as it was given; of a secret, that it is one."""
    field = known_names()[name]
    return f"{name}={without_password(text) if field.repr else '***'}"


def without_password(url: str) -> str:
    """Write a URL without the password in it; another text as it is."""
    return PASSWORD.sub(_masked, url)


def allowed(field: FieldInfo) -> str:
    """Say what a setting may be that is a number, a switch or one of some words."""
    parts = [part for part in (field.annotation, *get_args(field.annotation)) if part is not type(None)]
    kinds = [part.__origin__ if get_origin(part) is Annotated else part for part in parts]
    words = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), None)
    if words:
        return f"{', '.join(map(str, words[:-1]))} or {words[-1]}"
    if bool in kinds:
        return "true or false"
    bounds = [*field.metadata, *(part for kind in parts for part in getattr(kind, "__metadata__", ()))]
    bounds += [part for bound in bounds for part in getattr(bound, "metadata", ())]
    least = next((bound.ge for bound in bounds if isinstance(bound, Ge)), None)
    most = next((bound.le for bound in bounds if isinstance(bound, Le)), None)
    number = "a whole number" if int in kinds else "whole numbers by commas"
    if least is None:
        return number
    return f"{number} from {least} to {most}" if most is not None else f"{number}, {least} at least"


def secret_names() -> frozenset[str]:
    """Name the settings that are secrets, or have one within."""
    return frozenset(name for name, field in known_names().items() if not field.repr) | {"DATABASE_URL"}


def _with_secrets_of(path: Path, given: Mapping[str, Given]) -> dict[str, Given]:
    """The settings with a program's own secrets, and nobody else's; FixableError where they cannot be read."""
    try:
        secrets = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FixableError(f"The secrets in {path}, which {SECRETS_FILE} names, cannot be read: {error}") from error
    others = {name: one for name, one in given.items() if name not in secret_names()}
    return others | {name: Given(text, path) for name, text in secrets.items()}


def _validated(given: Mapping[str, Given]) -> tuple[Settings, dict[str, str]]:
    """Give the settings, without those that are wrong, and a line for each of these."""
    values = {name: one.text for name, one in given.items()}
    try:
        return Settings.model_validate(values), {}
    except ValidationError as error:
        problems = error.errors()
    mistakes: dict[str, str] = {}
    for problem in problems:
        name = str(problem["loc"][0])
        mistakes.setdefault(name, _mistake(name, given[name], problem))
    names = known_names()
    # The environment is read by what they are made by, too: what is wrong in it gets its default in its place.
    defaults: dict[str, Any] = {name: names[name].default for name in mistakes}
    return Settings.model_validate(values | defaults), mistakes


def _mistake(name: str, given: Given, problem: Any) -> str:
    error = problem.get("ctx", {}).get("error")
    what = str(error) if isinstance(error, ValueError) else allowed(known_names()[name])
    where = "" if given.file is None else f" in {given.file}"
    return f"{shown(name, given.text)}{where} is wrong: allowed is {what}."


def _named_folder(file: EnvFile) -> Path | None:
    named = _in_environment().get(DATA) or file.known.get(DATA)
    return Path(named).expanduser().absolute() if named else None


def _in_environment() -> dict[str, str]:
    names = known_names()
    return {name.upper(): text for name, text in os.environ.items() if name.upper() in names}


def _of_folder(name: str, text: str, folder: Path) -> str:
    """Take a path of a file to be relative to that file, wherever a command is typed."""
    if name == DATA and text:
        return str(folder / Path(text).expanduser())
    if name == "FEED" and text.startswith(RECORDED) and text != RECORDED:
        return f"{RECORDED}{folder / Path(text.removeprefix(RECORDED)).expanduser()}"
    return text


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}***@" if found[1] else f"{found[2]}***"
