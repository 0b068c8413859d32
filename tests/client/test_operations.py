"""No operation of the API is forgotten: what each client can send is compared with the OpenAPI document."""

import asyncio
import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from reprise_client import Client, NotFound
from reprise_client.administration import Administration
from tests.client.typescript import CLIENT, node

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "tests/golden/openapi/api.json").read_text(encoding="utf-8"))
# Who watches over the machine asks these, and no trader.
OF_THE_MACHINE: Final = {"/healthz", "/readyz", "/metrics"}
# Of a context in which something more is sent.
NO_CALLS: Final = {"close_connections", "stream", "trading", "admin"}
NAME: Final = "ID"  # whatever a call is about

# Every request of a client's calls, on a line; each is answered that there is no such thing.
PROGRAM: Final = """
const { Client } = await import(process.argv[1]);
const asked = new Set();
globalThis.fetch = async (url, { method }) => {
  asked.add(`${method} ${new URL(url).pathname}`);
  return new Response(JSON.stringify({ code: "NOT_FOUND" }), { status: 404 });
};
const client = new Client("http://exchange", { patienceMs: 0 });
for (const part of [client, client.admin]) {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(part))) {
    if (["constructor", "stream", "trading"].includes(name)) continue;
    try {
      const called = part[name]("ID", "1", {});
      await (Symbol.asyncIterator in Object(called) ? called.next() : called);
    } catch (error) {
      if (error.code !== "NOT_FOUND") throw error;
    }
  }
}
console.log([...asked].join("\\n"));
"""


def operations() -> set[str]:
    """Give each operation a client may want, as `METHOD path`, whatever its parameters are called."""
    return {
        f"{method.upper()} {re.sub(r'{[^}]*}', NAME, path)}"
        for path, methods in DOCUMENT["paths"].items()
        if path not in OF_THE_MACHINE
        for method in methods
    }


def argument_of(parameter: inspect.Parameter) -> Any:
    """Give something that a call takes."""
    kind = str(parameter.annotation)
    if "Sequence" in kind:
        return ()
    if "bytes" in kind:
        return b""
    if "datetime" in kind:
        return datetime.now(UTC)
    if "int" in kind and "Number" not in kind and "Decimal" not in kind:
        return 1
    return "1" if "Decimal" in kind else NAME


async def everything(asked: set[str]) -> None:
    """Make every call there is, with no more than it needs; each is answered that there is no such thing."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.add(f"{request.method} {request.url.path}")
        return httpx.Response(404, json={"code": "NOT_FOUND"})

    async with Client("http://exchange", transport=httpx.MockTransport(answer), patience_s=0) as client:
        for part in (client, client.admin):
            for name, call in inspect.getmembers(part, callable):
                if name.startswith("_") or name in NO_CALLS:
                    continue
                needed = {
                    one.name: argument_of(one)
                    for one in inspect.signature(call).parameters.values()
                    if one.default is inspect.Parameter.empty
                }
                called: Any = call(**needed)
                with pytest.raises(NotFound):
                    await (anext(called) if inspect.isasyncgen(called) else called)


def test_the_python_client_has_a_call_for_every_operation_of_the_api_and_no_other() -> None:
    asked: set[str] = set()
    asyncio.run(everything(asked))
    assert asked == operations()


def test_the_typescript_client_has_a_call_for_every_operation_of_the_api_and_no_other() -> None:
    done = node("--input-type=module", "--eval", PROGRAM, (CLIENT / "src" / "index.ts").as_uri())
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split("\n")) - {""} == operations()


def test_a_call_that_is_missing_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Administration, "exposure")
    asked: set[str] = set()
    asyncio.run(everything(asked))
    assert operations() - asked == {"GET /api/v1/admin/exposure"}
