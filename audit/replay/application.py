"""What the replay answers over HTTP: its questions to whoever is permitted, and its health to anybody."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import IO, Any, Final, NamedTuple

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from audit.log.log_reader import LogUnreadable
from audit.replay.answers import ReplayRefused, When
from audit.replay.replays import Replays
from runtime.errors import FixableError
from runtime.times import micros_of

PREFIX: Final = "/api/v1/audit/replay"
PROBLEM: Final = "application/problem+json"
STEPS: Final = 50
STEPS_MAX: Final = 200
PERIOD_MAX_MS: Final = 86_400_000
NUMBER_MAX: Final = 1 << 62
PART: Final = 64 * 1024
SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)

Permitted = Callable[[Request], bool]
log = structlog.get_logger(__name__)


class ReplayMetrics:
    """What the replay counts."""

    def __init__(self, replays: Replays) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter("replay_answers", "Answers, by status", ["status"], registry=self.registry)
        self.seconds = Histogram("replay_seconds", "One question", buckets=SECONDS, registry=self.registry)
        folding = Gauge("replay_folding", "Questions that are being worked on", registry=self.registry)
        folding.set_function(lambda: replays.folding)


class _Malformed(Exception):
    """A parameter that makes no sense; the text names it."""


class _Parameters(NamedTuple):
    """The parameters of a question, each read as what it must be."""

    request: Request

    def text(self, name: str) -> str:
        value = self.request.query_params.get(name, "")
        if not 0 < len(value) <= 64:  # noqa: PLR2004
            raise _Malformed(f"{name}: a text of at most 64 characters is needed")
        return value

    def number(self, name: str, most: int = NUMBER_MAX, least: int = 0) -> int | None:
        value = self.request.query_params.get(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdecimal()) or len(value) > 19 or not least <= int(value) <= most:  # noqa: PLR2004
            raise _Malformed(f"{name}: {value[:40]!r} is no whole number from {least} to {most}")
        return int(value)

    def time(self, name: str) -> int | None:
        value = self.request.query_params.get(name)
        if value is None:
            return None
        try:
            return micros_of(value)
        except (ValueError, OverflowError):
            raise _Malformed(f"{name}: {value[:40]!r} is no time like 2026-01-31T12:00:00Z") from None

    def needed_time(self, name: str) -> int:
        value = self.time(name)
        if value is None:
            raise _Malformed(f"{name}: a time like 2026-01-31T12:00:00Z is needed")
        return value


def questions(replays: Replays, metrics: ReplayMetrics, permitted: Permitted) -> list[Route]:
    """Give the routes under which an account's replay is asked for, by whoever is permitted."""

    async def overview(given: _Parameters) -> Response:
        position = given.text("position") if "position" in given.request.query_params else None
        when = When(given.number("offset"), given.time("at"), position)
        if sum(each is not None for each in when) > 1:
            raise _Malformed("at, offset, position: at most one of them says when")
        return _json(await run_in_threadpool(replays.overview, given.text("account"), when))

    async def steps(given: _Parameters) -> Response:
        after, before = given.number("after"), given.number("before")
        if after is not None and before is not None:
            raise _Malformed("after, before: at most one of them says where")
        ask = partial(
            replays.steps,
            given.text("account"),
            after=after,
            before=before,
            limit=given.number("limit", STEPS_MAX, 1) or STEPS,
            period_ms=given.number("period_ms", PERIOD_MAX_MS) or 0,
            keep=given.number("keep"),
        )
        return _json(await run_in_threadpool(ask))

    async def prices(given: _Parameters) -> Response:
        first, last = given.needed_time("from"), given.needed_time("to")
        if first > last:
            raise _Malformed("from: it is behind `to`")
        return _json(await run_in_threadpool(replays.prices, given.text("account"), given.text("symbol"), first, last))

    async def command(given: _Parameters) -> Response:
        offset = given.number("offset")
        if offset is None:
            raise _Malformed("offset: a whole number is needed")
        return _json(await run_in_threadpool(replays.command, given.text("account"), offset))

    async def bundle(given: _Parameters) -> Response:
        account = given.text("account")
        packed = await run_in_threadpool(replays.bundle, account)
        name = "".join(letter for letter in account if letter.isascii() and (letter.isalnum() or letter in "-_"))
        return StreamingResponse(
            _parts(packed),
            media_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="reprise-{name}.zip"'},
        )

    asked = {"": overview, "/steps": steps, "/prices": prices, "/command": command, "/bundle": bundle}
    return [Route(PREFIX + path, _answering(answer, metrics, permitted)) for path, answer in asked.items()]


def create_service(replays: Replays, permitted: Permitted) -> Starlette:
    """Put the service together: the questions of who is permitted, and the pages of every service."""
    metrics = ReplayMetrics(replays)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        why = await run_in_threadpool(_why_not_ready, replays)
        return JSONResponse({"ready": why is None, "why": why}, 200 if why is None else 503)

    async def numbers(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def status(_: Request) -> Response:
        return JSONResponse({"folding": replays.folding, "accounts": replays.kept})

    pages = [
        Route(path, page)
        for path, page in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", numbers), ("/status", status))
    ]
    service = Starlette(routes=[*questions(replays, metrics, permitted), *pages])
    # A redirect would name the host, which is only what the client said it is.
    service.router.redirect_slashes = False
    return service


def _answering(
    answer: Callable[[_Parameters], Awaitable[Response]], metrics: ReplayMetrics, permitted: Permitted
) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a question: only who is permitted gets an answer, and what is refused is a problem."""

    async def reply(request: Request) -> Response:
        with metrics.seconds.time():
            response = (
                await _answered(answer, request)
                if permitted(request)
                else _problem(request, "FORBIDDEN", 403, "The API asks here for its users; nobody else may")
            )
        metrics.answers.labels(response.status_code).inc()
        return response

    return reply


async def _answered(answer: Callable[[_Parameters], Awaitable[Response]], request: Request) -> Response:
    try:
        return await answer(_Parameters(request))
    except _Malformed as error:
        return _problem(request, "MALFORMED", 422, str(error))
    except ReplayRefused as error:
        return _problem(request, error.code, error.status, str(error), error.retry_after)
    except (LogUnreadable, FixableError) as error:
        log.warning("the log could not be replayed", why=str(error))
        return _problem(request, "REPLAY_UNAVAILABLE", 503, str(error))


def _problem(request: Request, code: str, status: int, detail: str, retry_after: int | None = None) -> Response:
    body: dict[str, Any] = {
        "type": f"/docs/problems#{code}",
        "title": detail,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": code,
    }
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(body, status, headers=headers, media_type=PROBLEM)


def _json(value: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _parts(packed: IO[bytes]) -> Iterator[bytes]:
    with packed:
        while part := packed.read(PART):
            yield part


def _why_not_ready(replays: Replays) -> str | None:
    try:
        replays.log()
    except FixableError as error:
        return str(error)
    return None
