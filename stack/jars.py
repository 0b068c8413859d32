"""Which jars the broker runs on, how they are fetched, and the proof that they are the ones meant."""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from runtime.errors import FixableError
from stack.certificates import trusted_by_requests

CACHE_VARIABLE: Final = "REPRISE_CACHE"
TABLE: Final = "kafka-jars.txt"
DOWNLOADS_AT_ONCE: Final = 6
DOWNLOAD_TIMEOUT_S: Final = 60


class Jar(NamedTuple):
    """A jar by its Maven coordinate `group:artifact:version`, and the digest it must have."""

    coordinate: str
    sha256: str

    @property
    def file_name(self) -> str:
        _group, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def kafka_jars() -> list[Jar]:
    """The committed table."""
    lines = files("stack").joinpath(TABLE).read_text(encoding="utf-8").splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return [Jar(coordinate, sha256) for sha256, coordinate in rows]


def cache_folders() -> list[Path]:
    """Where what was fetched is kept for all instances of this user; none where the user has no home."""
    override = os.environ.get(CACHE_VARIABLE)
    if override:
        return [Path(override).absolute()]
    caches = os.environ.get("XDG_CACHE_HOME")
    if caches:
        return [Path(caches).absolute() / "reprise"]
    with suppress(RuntimeError):
        return [Path.home() / ".cache" / "reprise"]
    return []


def fetch_jars(caches: list[Path], report: Callable[[str], None]) -> list[Path]:
    """Every jar of the table, from the first cache that has them all, else fetched into the first that can be written.

    Each is checked; what is wrong is refused, never used. Two starts at once wait for each other, and an interrupted
    download leaves nothing that looks whole.
    """
    jars = kafka_jars()
    folders = [cache / "jars" for cache in caches]
    folder = next((each for each in folders if not _missing(each, jars)), None) or _fetch(folders, jars, report)
    for jar in jars:
        _check(folder / jar.file_name, jar)
    return [folder / jar.file_name for jar in jars]


def missing_jars(cache: Path) -> list[Jar]:
    """Those of the table that a cache does not have."""
    return _missing(cache / "jars", kafka_jars())


def _missing(folder: Path, jars: list[Jar]) -> list[Jar]:
    return [jar for jar in jars if not os.access(folder / jar.file_name, os.R_OK)]


def _fetch(folders: list[Path], jars: list[Jar], report: Callable[[str], None]) -> Path:
    folder = next((each for each in folders if _is_writable(each)), None)
    if folder is None:
        raise FixableError(
            f"Apache Kafka cannot be kept in {' or '.join(str(each) for each in folders)}: no file can be written "
            f"there. Name another folder by {CACHE_VARIABLE}."
        )
    with exclusive_lock(folder):
        missing = _missing(folder, jars)
        if missing:
            report(f"Fetching Apache Kafka ({len(missing)} jars, about 45 MB, kept in {folder})")
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as scratch:
                _download(missing, Path(scratch), folder)
            report(f"Fetched Apache Kafka in {time.monotonic() - started:.0f} s")
    return folder


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Hold a folder of the cache against another start."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(jars: list[Jar], scratch: Path, folder: Path) -> None:
    # These two are needed on the first start only, and take half a second to import.
    from jgo.maven import MavenContext  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    repository = MavenContext(repo_cache=scratch, timeout=DOWNLOAD_TIMEOUT_S)

    def download(jar: Jar) -> None:
        group, artifact, version = jar.coordinate.split(":")
        fetched = repository.project(group, artifact).at_version(version).artifact().resolve()
        if fetched is None:
            raise FixableError(f"Could not fetch {jar.coordinate}. Check the network and start again.")
        _check(fetched, jar)
        fetched.replace(folder / jar.file_name)

    try:
        with trusted_by_requests(), ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(download, jars))
    except (RequestException, RuntimeError, OSError) as error:
        raise FixableError(
            f"Could not fetch Apache Kafka: {error}. Check the network and start again, or set KAFKA_BROKERS to use a "
            "broker that is running."
        ) from error


def _check(path: Path, jar: Jar) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise FixableError(
            f"{path} is not the {jar.coordinate} Reprise was tested with (SHA-256 {found}, expected {jar.sha256}). "
            "It is not used. Delete the file and start again; if it comes back, something between here and the "
            "repository changes it."
        )
