"""Which pages may call from a browser: those that are allowed, and where two seeds' servers let in all, any."""

import re
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# Routes of seeds 002 and 004. Who calls them says who they are by a token in a header, or is nobody in particular: a
# page of another origin gets no use of what a browser keeps.
ANY_ORIGIN: Final = re.compile(
    r"/auth/(register|login)|/health|/api/trading/(orders(/[^/]+)?|positions)|/api/v1/(state|positions/(open|close))"
)


class SeedsCors:
    """Wraps the application: what is allowed to any origin is allowed without cookies."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        allow_origins: Sequence[str],
        allow_methods: Sequence[str],
        allow_headers: Sequence[str],
        expose_headers: Sequence[str],
    ) -> None:
        self._origins = frozenset(allow_origins)
        self._allowed = CORSMiddleware(
            app,
            allow_origins=allow_origins,
            allow_credentials=True,
            allow_methods=allow_methods,
            allow_headers=allow_headers,
            expose_headers=expose_headers,
        )
        self._any = CORSMiddleware(
            app, allow_origins=["*"], allow_methods=allow_methods, allow_headers=["*"], expose_headers=expose_headers
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and ANY_ORIGIN.fullmatch(scope["path"]):
            origin = Headers(scope=scope).get("origin")
            if origin is not None and origin not in self._origins:
                await self._any(scope, receive, send)
                return
        await self._allowed(scope, receive, send)
