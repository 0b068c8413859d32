"""The passwords of an instance's own servers: one for each user of its broker and each role of its database."""

import secrets
from collections.abc import Callable
from typing import Final

from runtime.errors import FixableError
from stack.access import USERS
from stack.instance import InstanceFolder, write_private
from stack.postgres_roles import LAID_OUT, ROLES

PASSWORD_BYTES: Final = 24
MADE_ANEW: Final = (
    "There was no {passwords}: the passwords of the broker and the database are made anew. Give programs of yours what "
    "this start writes into {readers}; with a copy from before they do not get in"
)


def passwords_of(folder: InstanceFolder) -> dict[str, str]:
    """The password of each role of the database and each user of the broker, in letters, digits, `-` and `_`.

    They are made once, and kept in a file that only its owner reads.
    """
    folder.make()
    try:
        lines = folder.passwords.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    except (OSError, UnicodeDecodeError) as error:
        raise FixableError(
            f"{folder.passwords} cannot be read: {error}. It has the passwords of the servers."
        ) from error
    kept = dict(line.split("=", 1) for line in lines if "=" in line)
    whole = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in (*ROLES, *USERS)} | kept
    if whole != kept:
        write_private(folder.passwords, "".join(f"{name}={value}\n" for name, value in whole.items()).encode())
    return whole


def passwords_for_start(folder: InstanceFolder, report: Callable[[str], None]) -> dict[str, str]:
    """The same; and say so where an instance that had passwords gets others."""
    had_passwords = folder.reader.exists() or (folder.postgres / LAID_OUT).exists()
    if had_passwords and not folder.passwords.exists():
        readers = f"{folder.reader}, {folder.java_reader.name} and {folder.database_reader.name}"
        report(MADE_ANEW.format(passwords=folder.passwords, readers=readers))
    return passwords_of(folder)
