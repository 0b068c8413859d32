"""The application alone: nothing of it is started, and neither its database nor its broker is there."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.main import build
from runtime.settings import Settings
from stack.ports import free_ports

SECRET = "a-key-of-the-tests-of-at-least-32-bytes"


class LoneApplication:
    """Answers requests in this process; what needs PostgreSQL answers 503."""

    def __init__(self, data: Path, **settings: object) -> None:
        [nobody] = free_ports(1)
        self.state = build(
            Settings.model_validate(
                {
                    "data": data,
                    "jwt_secret": SECRET,
                    "database_url": f"postgresql+psycopg://nobody@127.0.0.1:{nobody}/none",
                    "kafka_brokers": f"127.0.0.1:{nobody}",
                    **settings,
                }
            ),
            SECRET,
        )
        self.app: FastAPI = create_app(self.state)
        self._runner = asyncio.Runner()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; no redirect is followed."""
        return self._runner.run(self._send(method, path, options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def close(self) -> None:
        self._runner.close()
        self.state.database.close()

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **options)
