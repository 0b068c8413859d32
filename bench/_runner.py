"""How a bench is run and reported, and how all are: each in a process of its own, so that one may fail."""

import os
import pkgutil
import subprocess
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import Final

import msgspec

import bench
from bench.report.figures import BenchReport, Measured, NotMeasured, Sizes, judged
from runtime.errors import FixableError
from runtime.python import reprise_command
from runtime.settings import Settings
from stack.temporary import temporary_broker

# These need no broker, or start what they need.
WITHOUT_KAFKA: Final = frozenset({"codec", "core", "order", "replay", "soak"})
# What `all` does not do at full size: the hour of a soak would be most of its time.
SIZES_OF_ALL: Final[Mapping[str, Sizes]] = {"soak": {"minutes": 3}}
TIMEOUT_S: Final = 1_200.0
SAID_MAX: Final = 2_000


def names() -> list[str]:
    """Name all benches: the modules of the package that have no underscore."""
    return sorted(
        module.name for module in pkgutil.iter_modules(bench.__path__) if not module.ispkg and module.name[0] != "_"
    )


def module_of(name: str) -> ModuleType:
    """Import a bench; FixableError where there is none of that name."""
    if name not in names():
        raise FixableError(f"There is no bench {name}; there are {', '.join(names())}, and `all`.")
    return import_module(f"bench.{name}")


def sizes_of(name: str) -> Sizes:
    """Give a bench's sizes as they are by default; they are its own arguments."""
    return {size: parameter.default for size, parameter in signature(module_of(name).run).parameters.items()}


def report_of(name: str, given: Sizes, settings: Settings) -> BenchReport:
    """Measure in this process, on a broker of its own unless the settings name one."""
    module = module_of(name)
    sizes = sizes_of(name) | given
    run: Callable[..., Measured] = module.run
    load, began = os.getloadavg(), time.monotonic()
    found, not_measured = Measured(figures=[], cpu=[]), None
    try:
        if name in WITHOUT_KAFKA or "kafka_brokers" in settings.model_fields_set:
            found = run(**sizes)
        else:
            with temporary_broker(small=False) as brokers:
                os.environ["KAFKA_BROKERS"] = brokers
                found = run(**sizes)
    except NotMeasured as error:
        not_measured = str(error)
    return BenchReport(
        bench=name,
        about=about(module),
        sizes=sizes,
        default_sizes=sizes_of(name),
        load_average=load,
        seconds=round(time.monotonic() - began, 1),
        figures=judged(name, found.figures),
        cpu=found.cpu,
        not_measured=not_measured,
    )


def about(module: ModuleType) -> str:
    """Give the question a bench answers: the first line of its file."""
    return (module.__doc__ or "").partition("\n")[0]


def report_of_process(name: str, given: Sizes) -> BenchReport:
    """Measure in a process of its own, on a broker of its own; what breaks it off is in the report."""
    load, began = os.getloadavg(), time.monotonic()
    arguments = [part for size, number in given.items() for part in ("--size", f"{size}={number}")]
    environment = {variable: value for variable, value in os.environ.items() if variable != "KAFKA_BROKERS"}
    minutes = given.get("minutes", 0)
    try:
        result = subprocess.run(
            reprise_command("bench", name, "--json", *arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S + 60 * minutes,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        failure = f"It was not done after {error.timeout:.0f} s."
    else:
        if result.returncode == 0:
            return msgspec.json.decode(result.stdout.splitlines()[-1], type=BenchReport)
        failure = result.stderr.strip()[-SAID_MAX:] or f"It ended with {result.returncode}, and said nothing."
    return BenchReport(
        bench=name,
        about=about(module_of(name)),
        sizes=sizes_of(name) | given,
        default_sizes=sizes_of(name),
        load_average=load,
        seconds=round(time.monotonic() - began, 1),
        failure=failure,
    )


def measured_all(
    given: Mapping[str, Sizes],
    show: Callable[[BenchReport], None],
    measure: Callable[[str, Sizes], BenchReport] = report_of_process,
) -> list[BenchReport]:
    """Measure one bench after the other, and show each as soon as it is done."""
    found = []
    for name in names():
        report = measure(name, dict(SIZES_OF_ALL.get(name, {})) | given.get(name, {}))
        show(report)
        found.append(report)
    return found
