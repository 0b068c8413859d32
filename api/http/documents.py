"""How an OpenAPI document is served: made once, beside the requests of others, which do not wait for it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import Response

# It changes with the version of the server only; a browser asks again whether it has the newest.
_KEPT: Final = {"Cache-Control": "no-cache"}


def serve(app: FastAPI, path: str, make: Callable[[], dict[str, Any]]) -> None:
    """Serve the document at a path of its own; a second of a processor makes it, when it is first asked for."""
    made: list[bytes] = []
    making = asyncio.Lock()

    async def document() -> Response:
        async with making:
            if not made:
                made.append(await asyncio.to_thread(lambda: _bytes_of(make())))
        return Response(made[0], media_type="application/json", headers=_KEPT)

    app.add_api_route(path, document, include_in_schema=False)


def _bytes_of(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
