"""The page docs/seeds.md is made of the files here: `python -m tests.api.seeds.seeds_page`."""

import json
from pathlib import Path
from typing import Any, Final

from tests.api.seeds.defects import DEFECTS, Defect
from tests.api.seeds.entries import SEEDS, Seed, seed
from tests.api.seeds.published import PublishedRequest, published_requests

PAGE: Final = Path(__file__).parents[3] / "docs" / "seeds.md"
HEAD: Final = """# The five seeds

Five older systems are the starting point of this one. Clients written from their READMEs work here unchanged, in the
demo profile: `./reprise up --seed-ports` listens on the ports their READMEs name (3001, 3002, 3005, 4000) besides its
own. The OpenAPI document of these routes is at `/api/compat/openapi.json`.

This page is made from `tests/api/seeds/*.toml`, which also hold each request of the READMEs with its full reply and the
change it makes in the ledger; a test runs them all. **Served** means it works as the README says, **replaced** that
something else does it, **not** that nothing does, and why. Line numbers are the README's.

What is the same for all: an error is the problem document of the API proper with the seed's own members and status
beside it; a command that is not decided in two seconds is answered 202 with its id; a `balance` is the free margin;
`SOL`, `SOL_USDC` and `SOLUSDT` name one instrument; a login lasts a day. Where two seeds want one path, the reply is
the union of what both expect.

`GET /api/v1/supportedAssets`, which the code of seeds 000 and 001 had, is seed 001's array at its port 3005, and seed
000's object at every other. A `slippage` of seeds 000 and 001 is basis points as a whole number and percent with
decimals, from the price as it is when the order first comes: sent again under the same `Idempotency-Key`, an order is
guarded from the same price, and answered as before; with other content it is refused. What a client of seed 004 says
in `currentPrice` and `slippage` is recorded and answered beside the real price, and guards nothing: its page shows a
random walk of its own. `POST /api/v1/orders` has `expected_price` and `slippage_bps` for a guard.

Pages of `localhost` and `127.0.0.1` at ports 3000, 3001, 3200, 5173 and 8080, and of `CORS_ORIGINS`, may call every
route with their cookies. A page of any origin may call the routes of seeds 002 and 004, as at their own servers, but
without cookies. The pages of two seeds share one browser's cookies of a host: on the seeds' routes a bearer token wins
over any cookie, and without one the cookie wins that the seed's own login sets: `authToken` is seed 001's, `token`
that of seeds 000, 002 and 003. `Bearer null`, `Bearer undefined` and `Bearer` without a token, which a page without a
token sends, count as none. `POST /auth/logout` ends the session of each cookie.

Seed 004's own trading engine ignores the `symbol` of a record: with `POLLER_ASSETS=SOL_USDC` our topic has no other,
and it reads it rightly. Its market data service subscribes to `ticker` alone, and can be run against `reprise
backpack-server`.
"""
CLIENTS: Final = """## Their published clients

What the seeds' published front ends sent while a person registered, looked at the chart, traded and closed is
recorded in `tests/api/seeds/data/published_requests.jsonl`. A test sends each of these requests in its order, from a
page of that client's origin, and checks its reply and the change it makes in the ledger.

| client | request | the person meant to | here |
|---|---|---|---|
"""


def page() -> str:
    """Write the page."""
    return "\n".join([HEAD, _clients(), *(_section(seed(number)) for number in SEEDS)])


def _clients() -> str:
    return CLIENTS + "\n".join([*map(_client_row, published_requests()), ""])


def _client_row(request: PublishedRequest) -> str:
    body = "" if request.body is None else f" `{json.dumps(_shown(request.body), ensure_ascii=False)}`"
    asked = f"{request.port} {request.method} `{request.path}`{body}"
    return f"| {request.client} | {_cell(asked)} | {_cell(request.meant)} | {request.status}: {_cell(request.here)} |"


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    """A key of the venue is long, and the same in each row."""
    return {name: "K…" if name.startswith("binance") else value for name, value in body.items()}


def _section(one: Seed) -> str:
    lines = [f"## Seed {one.number}: {one.title}", "", "| lines | | |", "|---|---|---|"]
    rows = [
        (request.lines, f"{request.text}", f"**served**: {request.method} `{request.path.partition('?')[0] or '/'}`")
        for request in one.requests
        if request.lines
    ]
    rows += [(claim.lines, claim.text, f"**{claim.is_}**: {claim.how}") for claim in one.claims]
    lines += [f"| {_lines(found)} | {_cell(text)} | {_cell(how)} |" for found, text, how in sorted(rows)]
    lines += ["", f"### What went wrong in seed {one.number}", "", "| | their users met | here |", "|---|---|---|"]
    lines += [_row(defect) for defect in DEFECTS if defect.seed == one.number]
    return "\n".join([*lines, ""])


def _row(defect: Defect) -> str:
    here = f"`{defect.test}`" if defect.test is not None else defect.why
    return f"| {defect.letter} | {_cell(defect.what)} | {here} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _lines(numbers: list[int]) -> str:
    """Write `3, 5-7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
