"""The page docs/seeds.md is made of the TOML files here: `python -m tests.api.seeds.seeds_page`."""

from pathlib import Path
from typing import Final

from tests.api.seeds.defects import DEFECTS, Defect
from tests.api.seeds.entries import SEEDS, Seed, seed

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

Routes that only a seed's code had, and its README never names, are no promise: of seed 001 `/api/v1/user/*` is not
served, `/api/v1/auth/*` is its README's way in. `GET /api/v1/supportedAssets`, which the code of seeds 000 and 001 had,
is served in the shape of seed 000.
"""


def page() -> str:
    """Write the page."""
    return "\n".join([HEAD, *(_section(seed(number)) for number in SEEDS)])


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
