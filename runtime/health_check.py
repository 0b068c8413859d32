"""A container's health check: `python -m runtime.health_check PORT PATH` ends with 0 where that page answers 200."""

import http.client
import sys
from contextlib import closing
from typing import Final

TIMEOUT_S: Final = 4.0


def main(port: str, path: str) -> int:
    """Ask this machine directly, past any proxy of the environment; the reason of a failure is the check's output."""
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_S)) as connection:
            connection.request("GET", path)
            reply = connection.getresponse()
            said = reply.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{reply.status} {said}\n")
    return 0 if reply.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
