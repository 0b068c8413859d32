"""How a command acts as an administrator: signed in at the running API, by the routes that every client uses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

from runtime.errors import FixableError

TIMEOUT_S: Final = 15.0
PREFIX: Final = "/api/v1"
# What to do about a refusal whose own words do not say it.
ADVICE: Final = {
    "BAD_CREDENTIALS": "--as names an administrator; `./reprise user add EMAIL --role admin` makes one",
    "FORBIDDEN": "`./reprise user add EMAIL --role admin` makes an administrator",
    "ROLE_READ_ONLY": "An administrator may: name one by --as",
    "COMMAND_ID_REUSED": "The --key belongs to another transfer; name another, or none",
    "TRANSFER_NOT_PENDING": "`./reprise account transfers` shows what became of it",
    "BROKER_UNAVAILABLE": "`./reprise status` shows what runs",
    "DATABASE_UNAVAILABLE": "`./reprise status` shows what runs",
    "ENGINE_BEHIND": "`./reprise status` shows how far it is",
}


class AdministratorSession:
    """A session at the API. Each refusal is a FixableError in one line, and so is silence."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self._client = client
        self._address = address

    def get(self, path: str, **query: str | int | None) -> Any:
        """Read something."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=given)

    def post(self, path: str, body: Mapping[str, str | None], key: str | None = None) -> Any:
        """Do something; what is null in the body is left out."""
        headers = {} if key is None else {"Idempotency-Key": key}
        given = {name: value for name, value in body.items() if value is not None}
        return self._send("POST", path, json=given, headers=headers)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        try:
            reply = self._client.request(method, f"{PREFIX}{path}", **options)
        except httpx.TransportError as error:
            raise FixableError(
                f"No API answers at {self._address} ({error}). `./reprise up` starts it; where it runs elsewhere, PORT "
                "names its port. A transfer that may have been asked for already is listed by `./reprise account "
                "transfers`."
            ) from error
        if reply.is_success:
            return reply.json() if reply.content else None
        raise FixableError(_refusal(reply))


@contextmanager
def signed_in(port: int, email: str, password: str) -> Iterator[AdministratorSession]:
    """Sign in for the time of a block."""
    address = f"http://127.0.0.1:{port}"
    # What the environment names as a proxy is for other hosts.
    with httpx.Client(base_url=address, timeout=TIMEOUT_S, trust_env=False) as client:
        session = AdministratorSession(client, address)
        token = session.post("/auth/login", {"email": email, "password": password})["access_token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        try:
            yield session
        finally:
            session.post("/auth/logout", {})


def _refusal(reply: httpx.Response) -> str:
    """Say what a problem says, and what to do about it."""
    try:
        problem = reply.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The API answered {reply.status_code}, and not in its own words. Is it Reprise that has this port?"
    said = f"{detail.rstrip('.')} ({code})."
    return f"{said} {ADVICE[code]}." if code in ADVICE else said
