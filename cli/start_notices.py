"""What `up` says before it starts: of the profile, of what means nothing here, and of secrets that others may read."""

import os
from pathlib import Path

from cli.context import project_root, report


def report_demo(folder: Path) -> None:
    """Say what the demo profile lets everybody do."""
    report(
        "This is the demo profile: users deposit play money by themselves, the seeds' interfaces (those of five "
        f"tutorial exchanges) are open, and secrets that are not set are made in {folder}. "
        "REPRISE_PROFILE=production has none of this."
    )


def report_ignored(data: Path | None) -> None:
    """Say which names of a file `.env` mean nothing here, and which variables of the seeds."""
    from runtime.setting_sources import env_files, meant_instead  # noqa: PLC0415

    files = env_files(project_root(), data)
    unknown = {name: file.path for file in files for name in file.unknown}
    of_redis = sorted(name for name in {*os.environ, *unknown} if name.upper().startswith("REDIS_"))
    if of_redis:
        report(f"{', '.join(of_redis)}: ignored, there is no Redis here.")
    for path in sorted(set(unknown.values())):
        names = [name for name, file in unknown.items() if file == path and name not in of_redis]
        meant = [f"is {instead} meant by {name}?" for name in names if (instead := meant_instead(name)) is not None]
        if names:
            hint = f" ({'; '.join(meant)})" if meant else ""
            report(f"{path} has {', '.join(names)}: ignored, the exchange has no such setting{hint}.")


def report_seed_ports(ports: list[int], own: int) -> None:
    """Say at which ports the seeds' clients get here, and at which they do not."""
    from runtime.settings import SEED_PORTS  # noqa: PLC0415

    if ports:
        report(f"The same at {', '.join(f'http://localhost:{port}' for port in ports)}, for clients of the seeds.")
    for port in SEED_PORTS:
        if port not in (*ports, own):
            report(f"Port {port} is taken by another program: clients of the seeds that name it do not get here.")


def exposed_secrets(data: Path, profile: str) -> dict[str, str]:
    """Say which files of secrets any user may read; give it as mistakes in production."""
    from stack.exposed_files import exposed_files  # noqa: PLC0415

    exposed = exposed_files(project_root(), data)
    if profile == "production":
        return exposed
    for line in exposed.values():
        report(line)
    return {}
