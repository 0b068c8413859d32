"""Which certificates a download is checked with: one rule for pip, uv and Kafka's jars, which `./reprise` has too."""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# Each tool has a variable of its own; the first that is set counts for every download.
VARIABLES: Final = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
TIMEOUT_S: Final = 30.0


def certificates() -> str | None:
    """A file or folder of them: a variable's, else that of pip's settings, else the system's; null where none is."""
    for name in VARIABLES:
        if value := os.environ.get(name):
            return value
    system = ssl.get_default_verify_paths()
    return _of_pip() or system.cafile or system.capath


@contextmanager
def trusted_by_requests() -> Iterator[None]:
    """Let the library `requests` check by these, for the length of a block."""
    before, chosen = os.environ.get("REQUESTS_CA_BUNDLE"), certificates()
    if chosen is not None:
        os.environ["REQUESTS_CA_BUNDLE"] = chosen
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("REQUESTS_CA_BUNDLE", None)
        else:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def _of_pip() -> str | None:
    """What pip's configuration says; pip is in the small environment beside this one."""
    python = Path(sys.prefix).with_name(".venv-uv") / "bin" / "python"
    try:
        result = subprocess.run(
            [str(python), "-m", "pip", "config", "get", "global.cert"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except OSError:
        return None  # Installed by other means.
    return result.stdout.strip() or None if result.returncode == 0 else None
