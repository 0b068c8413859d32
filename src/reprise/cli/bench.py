"""The benches: what each measures says its own module in `reprise.bench`."""

import os
import pkgutil
from importlib import import_module
from typing import Annotated

import typer

from reprise.cli.context import AsJson, load_settings
from reprise.runtime.errors import FixableError

Name = Annotated[str, typer.Argument(help="Which bench.")]
# These need no broker.
WITHOUT_KAFKA = frozenset({"core"})


def add_to(app: typer.Typer) -> None:
    app.command()(bench)


def bench(name: Name, as_json: AsJson = False) -> None:
    """Measure, on a broker of its own unless KAFKA_BROKERS names one."""
    import reprise.bench  # noqa: PLC0415

    known = sorted(module.name for module in pkgutil.iter_modules(reprise.bench.__path__) if module.name[0] != "_")
    if name not in known:
        raise FixableError(f"There is no bench {name}; there are {', '.join(known) or 'none'}.")
    module = import_module(f"reprise.bench.{name}")
    if name in WITHOUT_KAFKA or "kafka_brokers" in load_settings().model_fields_set:
        module.run(as_json)
        return
    from reprise.stack.temporary import temporary_broker  # noqa: PLC0415

    with temporary_broker(small=False) as brokers:
        os.environ["KAFKA_BROKERS"] = brokers
        module.run(as_json)
