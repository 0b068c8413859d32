"""Which version of a position a caller has seen, as an entity tag; and that an amendment is of that one."""

import re
from hashlib import blake2b
from typing import Annotated, Any, Final

from fastapi import Header

from api.http.problems import PRECONDITION_FAILED, ApiError, malformed
from api.positions.schemas import PositionReply

ETAG: Final = "ETag"
_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
TAGS: Final = rf"\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*"
_TAGS: Final = re.compile(TAGS, re.ASCII)

IfMatch = Annotated[
    str | None,
    Header(description="the `ETag` of the position as you know it: amended since, 412", pattern=f"^({TAGS})$"),
]
TAGGED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            ETAG: {
                "description": "changes with everything of the position but its unrealized_pnl",
                "schema": {"type": "string"},
            }
        }
    }
}


def version_of(position: PositionReply) -> str:
    """Give the entity tag: of the position, not of its value at the moment."""
    content = position.model_dump_json(exclude={"unrealized_pnl"})
    return f'"{blake2b(content.encode(), digest_size=9).hexdigest()}"'


def refuse_other_version(if_match: str, position: PositionReply) -> None:
    """Refuse what was asked for another version."""
    if not _TAGS.fullmatch(if_match.strip()):
        raise malformed("If-Match", "must be `*` or entity tags")
    # Weak tags match nothing here: the comparison is the strong one.
    if if_match.strip() != "*" and version_of(position) not in re.findall(_TAG, if_match):
        raise ApiError(PRECONDITION_FAILED, headers={ETAG: version_of(position)})
