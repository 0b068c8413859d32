"""`./reprise` finds a Python it can use, or says in one line which it found and what is needed."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "cksum", "dirname", "env")
# In place of an interpreter: answers what the script asks a real one.
FAKE = "#!/bin/sh\necho '{says}'\n"


def called(folder: Path, name: str = "clone", **pythons: str) -> subprocess.CompletedProcess[str]:
    """The script of a clone that was never installed, on a machine with these Pythons alone."""
    clone, programs = folder / name, folder / "bin"
    for made in (clone, programs):
        made.mkdir(parents=True)
    for file in ("reprise", "uv.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, clone / file)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (programs / tool).symlink_to(found)
    for python, says in pythons.items():
        (programs / python).write_text(FAKE.format(says=says))
        (programs / python).chmod(0o755)
    return subprocess.run(
        [str(clone / "reprise"), "status"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("pythons", "named"),
    [
        ({}, ["none was found on PATH"]),
        ({"python3": "is CPython 3.10"}, ["bin/python3 is CPython 3.10"]),
        ({"python": "is CPython 3.15"}, ["bin/python is CPython 3.15"]),
        ({"python3": "is PyPy"}, ["bin/python3 is PyPy"]),
        (
            {"python3": "has no venv (on Debian and Ubuntu: apt install python3.13-venv)", "python": "is CPython 2.7"},
            [
                "bin/python3 has no venv (on Debian and Ubuntu: apt install python3.13-venv)",
                "bin/python is CPython 2.7",
            ],
        ),
    ],
)
def test_a_machine_without_a_python_that_can_be_used_gets_one_line_that_names_what_was_found(
    pythons: dict[str, str], named: list[str], tmp_path: Path
) -> None:
    found = called(tmp_path, **pythons)
    assert found.returncode == 1
    (line,) = found.stderr.splitlines()
    assert line.startswith("reprise: ")
    assert "CPython 3.11, 3.12, 3.13 or 3.14" in line
    assert all(name in line for name in named), line


def test_a_clone_whose_path_no_environment_can_have_is_refused_in_one_line(tmp_path: Path) -> None:
    found = called(tmp_path, "a:b")
    assert found.returncode == 1
    (line,) = found.stderr.splitlines()
    assert "has a colon or a line break" in line
