"""A fresh clone is started where people start one: to a first trade, again without a network, and nothing is left."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from stack import supervisor
from stack.instance import InstanceFolder
from stack.jars import cache_folders, fetch_jars
from stack.ports import free_ports
from tests.system.programs import README_URL, of_the_readme

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_000)]
ROOT = Path(__file__).parents[2]
TIMEOUT_S = 1_200
WHO = {"email": "ada@example.com", "password": "correct horse battery"}
# Nobody listens there: no network, and proxies that must not be asked for what is on this machine.
DEAD = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
OFFLINE = DEAD | {"ALL_PROXY": "socks5://127.0.0.1:9", "all_proxy": "socks5://127.0.0.1:9"}
KEPT = re.compile(r"PATH|LANG|UV_.*|PIP_.*|.*_CA_BUNDLE|SSL_CERT_.*")  # of this environment
PYTHONS = ("python3.12", "python3.13", "python3.14")
# What ./reprise calls besides Python; a PATH of these alone has no other Python.
TOOLS = [
    "bash",
    "cat",
    "cksum",
    "cut",
    "dirname",
    "echo",
    "env",
    "git",
    "id",
    "mkdir",
    "nice",
    "realpath",
    "rm",
    "sed",
    "setpriv",
    "sh",
    "unshare",
]
ORDINARY_USER = "daemon"


class Place(NamedTuple):
    """A clone, and whoever types commands in it."""

    clone: Path
    environment: Mapping[str, str]
    user: str | None = None

    @property
    def data(self) -> Path:
        return self.clone / ".reprise"

    def run(self, *command: object, network: bool = False) -> str:
        """What a command prints; it must end well."""
        found = subprocess.run(
            [str(part) for part in command],
            cwd=self.clone,
            env={**self.environment, **({} if network else OFFLINE)},
            user=self.user,
            group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
            extra_groups=None if self.user is None else [],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert found.returncode == 0, f"{command}: {found.stdout}{found.stderr}"
        return found.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter: pytest's own is closed."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-where-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def jars() -> Iterator[Path]:
    """A cache that has Kafka, which others may read."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-jars-"))
    folder.chmod(0o755)
    shutil.copytree(fetch_jars(cache_folders(), print)[0].parent, folder / "jars")
    yield folder
    shutil.rmtree(folder)


def test_a_clone_in_a_home_that_only_its_owner_may_enter_trades(tmp_path: Path, jars: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    start_and_trade(Place(cloned(home / "reprise"), environment(home, jars)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_clone_of_an_ordinary_user_trades(open_folder: Path, jars: Path) -> None:
    clone = cloned(open_folder / "home" / "reprise")
    for path in (clone.parent, *clone.parent.rglob("*")):
        shutil.chown(path, ORDINARY_USER)
    programs = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    own = {name: value for name, value in environment(clone.parent, jars).items() if name != "UV_CACHE_DIR"}
    start_and_trade(Place(clone, own | programs, ORDINARY_USER))


def test_a_clone_in_a_folder_of_any_name_trades_and_so_does_a_moved_one(tmp_path: Path, jars: Path) -> None:
    first = Place(cloned(tmp_path / "my #1 projet é"), environment(tmp_path, jars))
    start_and_trade(first, then=first._replace(clone=tmp_path / '100% "it\'s" ; mine, now \\o'))


@pytest.mark.parametrize("name", PYTHONS)
def test_a_clone_trades_with_any_python_that_is_alone_on_the_machine(name: str, tmp_path: Path, jars: Path) -> None:
    found = interpreter(name)
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        if (program := shutil.which(tool)) is not None:
            (programs / tool).symlink_to(program)
    (programs / "python3").symlink_to(found)
    place = Place(cloned(tmp_path / "clone"), environment(tmp_path, jars) | {"PATH": str(programs)})
    start_and_trade(place)
    assert f"{name.removeprefix('python')}." in place.run(place.clone / ".venv" / "bin" / "python", "-V")


def interpreter(name: str) -> str | None:
    """Give the program itself; pyenv has a script in its place, which may choose another version or none."""
    script = shutil.which(name)
    if script is None:
        return None
    kept = sorted(Path(script).parents[1].glob(f"versions/*/bin/{name}"))
    return str(kept[-1]) if kept else script


def start_and_trade(place: Place, *, then: Place | None = None) -> None:
    """Install and start, trade, stop; start again without the network, by then in another folder perhaps; and stop."""
    place.run("./reprise", "--help", network=True)
    for at in (place, then or place):
        (port,) = free_ports(1)
        if not at.clone.exists():
            place.clone.rename(at.clone)
        said = at.run("./reprise", "up", "--detach", "--port", port, "--feed", "simulated")
        try:
            assert "curl -s --noproxy '*' http" in said
            registered = httpx.post(
                f"http://127.0.0.1:{port}/api/v1/auth/register", json=WHO, trust_env=False, timeout=60
            )
            assert registered.status_code in {201, 409}, registered.text  # the second time it is a user
            program = of_the_readme().replace(README_URL, f"http://127.0.0.1:{port}")
            path = f"PYTHONPATH={at.clone / 'clients' / 'python' / 'src'}"
            assert "PositionClosed" in at.run("env", path, at.clone / ".venv" / "bin" / "python", "-P", "-c", program)
        finally:
            at.run("./reprise", "down")
        assert supervisor.orphans(InstanceFolder(at.data)) == []


def cloned(clone: Path) -> Path:
    """The project's files as they are now, and nothing that was made of them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    return clone


def environment(home: Path, jars: Path) -> dict[str, str]:
    """What a person's shell has: of this process only what concerns downloads."""
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return {"UV_CACHE_DIR": str(caches / "uv"), **kept, "HOME": str(home), "REPRISE_CACHE": str(jars)}
