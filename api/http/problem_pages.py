"""How the registry of problems is shown: as the page the problems' `type` leads to, and as docs/problems.md."""

from html import escape
from http import HTTPStatus
from itertools import groupby
from typing import Final

from api.http.problems import DOCS, MEDIA_TYPE, REFUSALS, REGISTRY, ProblemKind

DOCUMENT: Final = "docs/problems.md"
_INTRODUCTION: Final = f"""# Problems

Every error of the API is an RFC 9457 problem, `{MEDIA_TYPE}`: `type`, `title`, `status`, `detail`, `instance`,
and `code`, with `errors` where fields are wrong. `type` is `{DOCS}#` and the code. A problem of a command that was in
the log has its `command_id`. Codes are never renamed.

Who says so: *core* is a refusal in the log, the same for ever under the same `Idempotency-Key`; *API* says that
nothing was put into the log, or that nothing had to be. `POSITION_NOT_OPEN` is 404 where the position was never
yours, and `SYMBOL_UNKNOWN` is 404 where candles are asked for.

Made by `reprise documents` from the registry in `api/http/problems.py`.
"""


def as_html() -> str:
    """Write the page that is served."""
    rows = "".join(
        f'<tr id="{kind.code}"><td><code>{kind.code}</code><td>{kind.status}<td>{escape(kind.title)}</tr>'
        for kind in REGISTRY.values()
    )
    return (
        "<!doctype html><html lang=en><title>Reprise: problems</title>"
        f"<table><tr><th>Code<th>Status<th>Meaning</tr>{rows}</table></html>"
    )


def as_markdown() -> str:
    """Write the document, by status."""
    kinds = sorted(REGISTRY.values(), key=_order)
    return _INTRODUCTION + "".join(_section(status, list(group)) for status, group in groupby(kinds, _order))


def _order(kind: ProblemKind) -> int:
    return kind.status


def _section(status: int, kinds: list[ProblemKind]) -> str:
    core = {kind.code for kind in REFUSALS.values()}
    rows = [f"| `{kind.code}` | {'core' if kind.code in core else 'API'} | {kind.title} |" for kind in kinds]
    table = "\n".join(["| Code | Who says so | Meaning |", "|---|---|---|", *rows])
    return f"\n## {status} {HTTPStatus(status).phrase}\n\n{table}\n"
