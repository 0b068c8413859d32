"""Commands that start, stop and show an instance: up, down, status, logs."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import AsJson, Data, data_folder, load_settings, report
from cli.restart_report import report_restarts
from cli.start_notices import exposed_secrets, report_demo, report_ignored, report_seed_ports
from cli.status_report import print_status
from runtime.addresses import past_proxies
from runtime.errors import FixableError, Mistakes
from schemas.messages import Instrument

if TYPE_CHECKING:  # What the commands call is imported by the one that is called.
    from runtime.settings import Settings

Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="Port of the API.")]
Workers = Annotated[int, typer.Option(min=1, help="Engine processes that share the shards.")]
ApiWorkers = Annotated[int, typer.Option("--api-workers", min=1, help="API processes that share the port.")]
Standby = Annotated[
    bool, typer.Option("--standby", help="A hot standby for each engine, which takes its place at once.")
]
SeedPorts = Annotated[
    bool, typer.Option("--seed-ports", help="Listen on 3001, 3002, 3005 and 4000 too, as the seeds' READMEs say.")
]
OpenBroker = Annotated[
    bool,
    typer.Option("--open-broker", help="Demo only: let anybody on this machine read prices from Kafka, unasked."),
]
Detach = Annotated[bool, typer.Option("--detach", help="Return when it is ready, and leave it running.")]
Feed = Annotated[str | None, typer.Option(help="auto, simulated, backpack or recorded:FILE.")]
Speed = Annotated[str | None, typer.Option(help="Times the recorded pace, or max.")]
Loop = Annotated[bool, typer.Option("--loop", help="Start a recording again at its end.")]
Spread = Annotated[int | None, typer.Option(min=0, help="Spread assumed for recorded bars.")]
Symbol = Annotated[str | None, typer.Option(help="What recorded bars are of, where the file's name does not say it.")]
ChangeFeed = Annotated[bool, typer.Option("--change-feed", help="Change the feed though positions are open.")]
ChangeProfile = Annotated[
    bool, typer.Option("--change-profile", help="Go on with the ledger of an instance of the other profile.")
]
Instruments = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Instruments to define besides those a ledger begins with.")
]
Service = Annotated[
    str | None,
    typer.Argument(help="A process of `./reprise status`, like engine-1, or supervisor; all where none is named."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines to begin with.")]


def add_to(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(logs)


def up(
    detach: Detach = False,
    feed: Feed = None,
    speed: Speed = None,
    loop: Loop = False,
    spread_bps: Spread = None,
    symbol: Symbol = None,
    change_feed: ChangeFeed = False,
    change_profile: ChangeProfile = False,
    port: Port = None,
    data: Data = None,
    workers: Workers = 1,
    api_workers: ApiWorkers = 1,
    standby: Standby = False,
    seed_ports: SeedPorts = False,
    open_broker: OpenBroker = False,
    instruments: Instruments = None,
) -> None:
    """Start the exchange: broker, database, engine, prices, projection and API."""
    from cli.database import migrate_url  # noqa: PLC0415
    from stack.compiling import compile_core  # noqa: PLC0415
    from stack.feed_choice import FeedChoice  # noqa: PLC0415
    from stack.instance import InstanceFolder  # noqa: PLC0415
    from stack.plan import StartOptions  # noqa: PLC0415
    from stack.ports import PortClaims  # noqa: PLC0415
    from stack.readiness import unsteady, wait_for_api, wait_for_prices  # noqa: PLC0415
    from stack.start import instance_settings, start, stop  # noqa: PLC0415

    began = time.monotonic()
    settings, wrong = _settings_and_mistakes(data)
    folder = data_folder(data)
    wanted, in_file = _instruments_and_mistakes(instruments or settings.instruments_file)
    options = StartOptions(
        data=folder,
        port=port or settings.port,
        workers=workers,
        api_workers=api_workers,
        standby=standby,
        seed_ports=seed_ports,
        open_broker=open_broker or (seed_ports and settings.profile == "demo"),
        symbols=tuple(instrument.symbol for instrument in wanted),
        detach=detach,
        change_profile=change_profile,
        feed=FeedChoice(
            feed=feed or settings.feed,
            speed=speed or settings.feed_speed,
            loop=loop or settings.feed_loop,
            spread_bps=settings.feed_spread_bps if spread_bps is None else spread_bps,
            change=change_feed,
            symbol=symbol or settings.feed_symbol,
        ),
    )
    if settings.profile == "demo" and "REPRISE_PROFILE" not in wrong:
        report_demo(folder)
    report_ignored(folder)
    wrong |= in_file | exposed_secrets(folder, settings.profile)
    _end_by_interrupt()
    compile_core(report)
    place = InstanceFolder(folder)
    with PortClaims() as claims:
        instance = start(settings, options, claims, migrate_url, report, wrong)
        try:
            wait_for_api(place, instance, report)
            if wanted:
                from api.admin.instrument_file import define_instruments  # noqa: PLC0415
                from runtime.postgres import usable  # noqa: PLC0415

                reached = instance_settings(settings, place, instance)
                with usable(reached.database_url):
                    define_instruments(reached.database_url, reached.shards, wanted, report)
        except (KeyboardInterrupt, FixableError):
            _stop_what_was_started(folder, stop)
            raise
    try:
        notice = wait_for_prices(instance)
        if notice is not None:
            report(notice)
        for line in unsteady(place):
            report(line)
        address = f"http://127.0.0.1:{instance.api_port}"
        report(f"Ready after {time.monotonic() - began:.1f} s: {address}  (its documentation: {address}/docs)")
        report(f"Try: curl -s{past_proxies()} {address}/api/v1/tickers")
        if seed_ports:
            report_seed_ports(instance.seed_ports, instance.api_port)
        if detach:
            report(f"It goes on running; {place.command('down')} stops it.")
            return
        report("Ctrl-C stops it.")
        report_restarts(place)
    except KeyboardInterrupt:
        _stop_what_was_started(folder, stop)


def _instruments_and_mistakes(file: Path | None) -> tuple[tuple[Instrument, ...], dict[str, str]]:
    """The instruments of a file, none where it is wrong; and what is said of it."""
    if file is None:
        return (), {}
    # What the API consists of takes a while to import, and a start without a file does without.
    from api.admin.instrument_file import read_instruments  # noqa: PLC0415

    try:
        return read_instruments(file), {}
    except Mistakes as wrong:
        return (), dict(wrong.mistakes)
    except FixableError as error:
        return (), {"INSTRUMENTS_FILE": str(error)}


def down(data: Data = None) -> None:
    """Stop the exchange in order; return when none of its processes is left."""
    from stack.start import stop  # noqa: PLC0415

    folder = data_folder(data)
    report("Stopped." if stop(folder, report) else f"No instance runs in {folder}.")


def status(as_json: AsJson = False, data: Data = None) -> None:
    """Show each process, and how far the engine and the projection are."""
    from stack.instance import InstanceFolder  # noqa: PLC0415
    from stack.status import status_of, trouble_in  # noqa: PLC0415

    place = InstanceFolder(data_folder(data))
    found = status_of(place)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif "address" in found:
        print_status(found)
    trouble = trouble_in(place, found)
    if trouble is not None:
        raise typer.Exit(1) if as_json else FixableError(trouble)


def logs(service: Service = None, follow: Follow = False, lines: Lines = 50, data: Data = None) -> None:
    """Print what a process wrote, or the last lines of each."""
    from stack.instance import InstanceFolder  # noqa: PLC0415

    folder = InstanceFolder(data_folder(data)).logs
    files = sorted(folder.glob("*.log"))
    if not files:
        raise FixableError(f"Nothing was written in {folder} yet.")
    chosen = files if service is None else [file for file in files if file.stem == service]
    if not chosen:
        raise FixableError(f"There is no {service}; there are {', '.join(file.stem for file in files)}.")
    ends = {file: _print_last(file, lines, named=len(chosen) > 1) for file in chosen}
    while follow:
        time.sleep(0.3)
        ends = {file: _print_new(file, end, named=len(chosen) > 1) for file, end in ends.items()}


def _settings_and_mistakes(data: Path | None) -> tuple["Settings", dict[str, str]]:
    """The settings, without those that are wrong; and what is said of these."""
    from runtime.setting_sources import SettingsWrong  # noqa: PLC0415

    try:
        return load_settings(data), {}
    except SettingsWrong as wrong:
        return wrong.others, dict(wrong.mistakes)


def _stop_what_was_started(folder: Path, stop: Callable[[Path, Callable[[str], None]], bool]) -> None:
    report("Stopping")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(folder, report)
    report("Stopped.")


def _end_by_interrupt() -> None:
    """A terminal that closes, or a polite kill, stops the exchange as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


def _print_last(file: Path, count: int, *, named: bool) -> int:
    content = file.read_bytes()
    _print(file, content.splitlines()[-count:] if count else [], named=named)
    return len(content)


def _print_new(file: Path, end: int, *, named: bool) -> int:
    # Cut at its limit and begun anew, a log is shorter than it was.
    start = end if file.stat().st_size >= end else 0
    with file.open("rb") as log:
        log.seek(start)
        content = log.read()
    _print(file, content.splitlines(), named=named)
    return start + len(content)


def _print(file: Path, lines: list[bytes], *, named: bool) -> None:
    for line in lines:
        prefix = f"{file.stem}: " if named else ""
        sys.stdout.write(f"{prefix}{line.decode(errors='replace')}\n")
    sys.stdout.flush()
