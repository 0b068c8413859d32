"""The TOML files of the seeds' READMEs are read here: request lines, and every other line."""

import json
import tomllib
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

FOLDER: Final = Path(__file__).parent
SEEDS: Final = ("000", "001", "002", "003", "004")

Served = Literal["served", "replaced", "not"]


class Request(NamedTuple):
    """A request of a README. lines: its lines; none for a step that only prepares the next.

    price: what the feed plays before; reply: JSON schema; ledger: what must have changed; take: names for later steps.
    port: where it is not the README's other one. method WS is a socket: reply is its first message, and told, by kind,
    are schemas of those that must come until the README's end, in this order.
    """

    seed: str
    lines: list[int]
    text: str
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None
    status: int
    reply: dict[str, Any]
    price: dict[str, str]
    ledger: dict[str, Any]
    take: dict[str, str]
    account: str | None
    port: int
    told: list[tuple[str, dict[str, Any]]]


class Claim(NamedTuple):
    """A statement of a README, its lines, and its state in Reprise."""

    seed: str
    lines: list[int]
    text: str
    kind: str
    is_: Served
    how: str


class Environment(NamedTuple):
    """The first lines for a file `.env` that a README prints, without what they are indented by."""

    lines: list[int]
    text: str


class Seed(NamedTuple):
    """One README. port: which its requests name; size: how many lines it has; prose: those that promise nothing."""

    number: str
    title: str
    size: int
    port: int
    requests: list[Request]
    claims: list[Claim]
    prose: list[int]
    environment: Environment | None


def seed(number: str) -> Seed:
    """Read one seed's file."""
    content = tomllib.loads((FOLDER / f"seed_{number}.toml").read_text(encoding="utf-8"))
    return Seed(
        number=number,
        title=content["title"],
        size=content["lines"],
        port=content["port"],
        requests=[_request(number, content, entry) for entry in content["request"]],
        claims=[
            Claim(number, _numbers(entry["lines"]), entry["text"], entry["kind"], entry["is"], entry["how"])
            for entry in content["claim"]
        ],
        prose=[line for text in content["prose"] for line in _numbers(text)],
        environment=None
        if (printed := content.get("environment")) is None
        else Environment(_numbers(printed["lines"]), printed["text"]),
    )


def _request(number: str, content: dict[str, Any], entry: dict[str, Any]) -> Request:
    return Request(
        seed=number,
        lines=entry.get("lines", []),
        text=entry.get("text", ""),
        method=entry["method"],
        path=entry["path"],
        headers=entry.get("headers", {}),
        body=None if "body" not in entry else json.loads(entry["body"]),
        status=entry["status"],
        reply=json.loads(entry["reply"]),
        price=entry.get("price", {}),
        ledger=entry.get("ledger", {}),
        take=entry.get("take", {}),
        account=content.get("account"),
        port=entry.get("port", content["port"]),
        told=[(message["type"], json.loads(message["data"])) for message in entry.get("told", [])],
    )


def _numbers(text: str) -> list[int]:
    """Read `3, 5-7`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
