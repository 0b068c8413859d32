"""The passwords of an instance's own servers: one for each user of its broker and each role of its database."""

import secrets
from typing import Final

from runtime.errors import FixableError
from stack.access import USERS
from stack.instance import InstanceFolder, write_private
from stack.postgres_roles import ROLES

PASSWORD_BYTES: Final = 24


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
