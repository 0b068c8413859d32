"""What another user of the machine can do: tried in a child that has taken that user's id."""

import os
import pickle
from collections.abc import Callable
from typing import Final, TypeVar

import pytest

Found = TypeVar("Found")

ANOTHER_ID: Final = 54_321  # of no user there is
NOBODY_ID: Final = 65_534  # of programs that belong to no person
AS_ROOT: Final = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another user's id")


def as_another_user(attempt: Callable[[], Found], user: int = ANOTHER_ID) -> Found:
    """Give what an attempt found, or raise what it raised; it is made with another user's id and no right of root's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        try:
            outcome: tuple[bool, object] = (True, attempt())
        except BaseException as error:  # noqa: BLE001  # The parent raises it.
            outcome = (False, error)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        done, found = pickle.load(pipe)  # noqa: S301  # It is this process's own child.
    os.waitpid(child, 0)
    if not done:
        raise found
    return found  # type: ignore[no-any-return]
