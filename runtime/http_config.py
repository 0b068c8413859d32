"""What uvicorn's protocols find the bounds of a server by."""

from typing import Any

import uvicorn
from starlette.types import ASGIApp

from runtime.http_connections import Connections
from runtime.http_refusals import Layer, Refusals


class ServerConfig(uvicorn.Config):
    """uvicorn's settings, and the bounds it does not have.

    head_timeout_s, body_timeout_s: seconds in which a request's head, and then its body, must have arrived. layer:
    what gives the headers of every answer to those that are given before the application.
    """

    def __init__(
        self,
        app: ASGIApp,
        connections: Connections,
        layer: Layer,
        head_timeout_s: float,
        body_timeout_s: float,
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self.connections = connections
        self.refusals = Refusals(layer)
        self.head_timeout_s = head_timeout_s
        self.body_timeout_s = body_timeout_s
