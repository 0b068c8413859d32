"""How the replay service is asked: signed for one question, with the account whose replay it is."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
import structlog

from api.http.problems import MALFORMED, NOT_FOUND, REPLAY_BUSY, REPLAY_UNAVAILABLE, ApiError
from runtime.addresses import LOOPBACK_HOST
from runtime.replay_grants import HEADER, replay_key
from runtime.settings import Settings

PATH: Final = "/api/v1/audit/replay"
CONNECT_S: Final = 2.0
ANSWER_S: Final = 60.0  # what is asked for is bounded; a machine that is loaded takes its time
KINDS: Final = {404: NOT_FOUND, 422: MALFORMED, 429: REPLAY_BUSY}
AWAY: Final = (
    "The replay service does not answer. `./reprise status` shows whether it runs, and its log says why not; all else "
    "goes on without it"
)

Parameters = Mapping[str, str | int | None]


class ReplayChannel:
    """Asks the service at its address; nothing is open before the first question."""

    def __init__(self, settings: Settings, jwt_secret: str) -> None:
        url = settings.replay_url or f"http://{LOOPBACK_HOST}:{settings.replay_port}"
        self._key = replay_key(settings.model_copy(update={"jwt_secret": jwt_secret}))
        # Like the database it is one of the exchange's own, and met without any proxy of the environment.
        self._http = httpx.AsyncClient(
            base_url=url, timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S), trust_env=False
        )

    async def ask(self, path: str, parameters: Parameters) -> bytes:
        """Give the answer to a question, which is JSON; or raise the problem it is."""
        reply = await self._send(path, parameters)
        try:
            return await reply.aread()
        except httpx.TransportError as error:
            raise _away(error) from error
        finally:
            await reply.aclose()

    async def stream(self, path: str, parameters: Parameters) -> AsyncIterator[bytes]:
        """Give the parts of an answer as they come, once it has begun well; or raise the problem it is."""
        return _parts(await self._send(path, parameters))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, path: str, parameters: Parameters) -> httpx.Response:
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        request = self._http.build_request("GET", PATH + path, params=given)
        request.headers[HEADER] = self._key.grant(request.url.raw_path.decode())
        try:
            reply = await self._http.send(request, stream=True)
            if reply.status_code == httpx.codes.OK:
                return reply
            content = await reply.aread()
        except httpx.TransportError as error:
            raise _away(error) from error
        await reply.aclose()
        raise _refusal(reply, content)


async def _parts(reply: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in reply.aiter_bytes():
            yield part
    finally:
        await reply.aclose()


def _refusal(reply: httpx.Response, content: bytes) -> ApiError:
    """Give the problem that the service answered with; what only its operator can mend is in the log."""
    kind = KINDS.get(reply.status_code)
    if kind is None:
        said = content[:400].decode(errors="replace")
        structlog.get_logger().warning("the replay service cannot answer", status=reply.status_code, said=said)
        return ApiError(REPLAY_UNAVAILABLE, "The replay service cannot read the log; the API's log says why")
    after = reply.headers.get("Retry-After")
    return ApiError(kind, str(reply.json()["detail"]), headers=None if after is None else {"Retry-After": after})


def _away(error: Exception) -> ApiError:
    structlog.get_logger().warning("the replay service does not answer", error=repr(error))
    return ApiError(REPLAY_UNAVAILABLE, AWAY)
