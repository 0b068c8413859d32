"""The command `bench`; each module of the package `bench` says what it measures."""

import os
import pkgutil
from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import Annotated

import typer

from cli.context import AsJson, load_settings
from runtime.errors import FixableError

Name = Annotated[str, typer.Argument(help="Which bench.")]
Sizes = Annotated[list[str] | None, typer.Option("--size", help="NAME=NUMBER: one of this bench's sizes.")]
# These need no broker, or start what they need.
WITHOUT_KAFKA = frozenset({"codec", "core", "order", "replay"})


def add_to(app: typer.Typer) -> None:
    app.command()(bench)


def bench(name: Name, as_json: AsJson = False, size: Sizes = None) -> None:
    """Measure, on a broker of its own unless KAFKA_BROKERS names one."""
    import bench  # noqa: PLC0415

    known = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name[0] != "_")
    if name not in known:
        raise FixableError(f"There is no bench {name}; there are {', '.join(known) or 'none'}.")
    module = import_module(f"bench.{name}")
    sizes = _sizes(module.run, size or [])
    if name in WITHOUT_KAFKA or "kafka_brokers" in load_settings().model_fields_set:
        module.run(as_json, **sizes)
        return
    from stack.temporary import temporary_broker  # noqa: PLC0415

    with temporary_broker(small=False) as brokers:
        os.environ["KAFKA_BROKERS"] = brokers
        module.run(as_json, **sizes)


def _sizes(run: Callable[..., None], given: list[str]) -> dict[str, int]:
    """Give the sizes by name; they are the bench's own arguments."""
    known = [name for name in signature(run).parameters if name != "json"]
    sizes: dict[str, int] = {}
    for one in given:
        name, _, number = one.partition("=")
        if name not in known or not number.isdecimal():
            raise FixableError(f"--size {one} is not NAME=NUMBER; this bench has {', '.join(known)}.")
        sizes[name] = int(number)
    return sizes
