"""How a client of aiokafka proves who it is, and whom it believes: by the same settings as those of librdkafka."""

import asyncio
import time
from ssl import SSLContext
from typing import Any, Final

import httpx
from aiokafka.abc import AbstractTokenProvider
from aiokafka.helpers import create_ssl_context

from runtime.errors import FixableError
from runtime.kafka_security import OAUTHBEARER, has_sasl, has_tls, require_complete
from runtime.settings import Settings

TOKEN_TIMEOUT_S: Final = 10.0
# A token is asked for anew when this part of its life is over.
USED_UP: Final = 0.8


def aiokafka_security(settings: Settings) -> dict[str, Any]:
    """Arguments of aiokafka's clients; FixableError where a setting lacks another."""
    require_complete(settings)
    arguments: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if has_tls(settings):
        arguments["ssl_context"] = _ssl_context(settings)
    if has_sasl(settings):
        arguments["sasl_mechanism"] = settings.kafka_sasl_mechanism
        if settings.kafka_sasl_mechanism == OAUTHBEARER:
            arguments["sasl_oauth_token_provider"] = TokenProvider(settings)
        else:
            arguments |= {
                "sasl_plain_username": settings.kafka_sasl_username,
                "sasl_plain_password": settings.kafka_sasl_password,
            }
    return arguments


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka comes without types.
    """Gets tokens for the engine's reader by the client credentials grant (RFC 6749, 4.4), as librdkafka does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._token = ""
        self._until = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def token(self) -> str:
        """Give a token that is good for a while; httpx.HTTPError where there is none to be had."""
        async with self._one_at_a_time:
            if time.monotonic() >= self._until:
                asked_at = time.monotonic()
                self._token, lasts_s = await self._ask()
                self._until = asked_at + USED_UP * lasts_s
            return self._token

    async def _ask(self) -> tuple[str, float]:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.kafka_oauth_scope:
            form["scope"] = settings.kafka_oauth_scope
        async with httpx.AsyncClient(timeout=TOKEN_TIMEOUT_S) as http:
            reply = await http.post(
                settings.kafka_oauth_token_url or "",
                data=form,
                auth=(settings.kafka_oauth_client_id or "", settings.kafka_oauth_client_secret or ""),
            )
        reply.raise_for_status()
        answer = reply.json()
        return str(answer["access_token"]), float(answer.get("expires_in", 300))


def _ssl_context(settings: Settings) -> SSLContext:
    try:
        context: SSLContext = create_ssl_context(
            cafile=settings.kafka_ssl_ca_file and str(settings.kafka_ssl_ca_file),
            certfile=settings.kafka_ssl_certificate_file and str(settings.kafka_ssl_certificate_file),
            keyfile=settings.kafka_ssl_key_file and str(settings.kafka_ssl_key_file),
            password=settings.kafka_ssl_key_password,
        )
    except OSError as error:
        raise FixableError(f"The files of KAFKA_SSL_* cannot be used: {error}") from error
    return context
