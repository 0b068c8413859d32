"""How a refusal is written to a seed's client: the problem document, with the seed's own members and status."""

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any, ClassVar

from fastapi import Request, Response

from api.http.errors import EXPECTED, refusal_of
from api.http.numbers import ExactRoute
from api.http.problems import MALFORMED, ApiError, Fault, ProblemKind, responses
from api.http.seed_clients import SeedCookie, note_seed_route, older_members

REFUSED = (404, 409, 422)  # what is wrong with a request; who sends it and what is down keep their status


class SeedRoute(ExactRoute):
    """A route whose errors have `error` and `message` too, as all five wrote them."""

    refused_as: ClassVar[dict[int, int]] = {}  # the seed's own status for one of ours
    not_json = MALFORMED  # no seed had a status of its own for it
    own_names: ClassVar[dict[str, str]] = {"order_id": "orderId"}  # the seed's pointer for one of ours
    login_cookie: ClassVar[SeedCookie | None] = "token"  # which the seed's login sets; null for a seed without logins

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def as_seed(request: Request) -> Response:
            request.state.came_at = perf_counter()
            note_seed_route(request, self.login_cookie)
            try:
                return await answer(request)
            except EXPECTED as error:
                raise self._of_seed(refusal_of(request, error), request) from error

        return as_seed

    def members(self, error: ApiError, request: Request) -> dict[str, Any]:
        """Give what this seed's clients look for in an error."""
        del request  # Another seed's say how long it took.
        return older_members(error)

    @classmethod
    def own_pointer(cls, pointer: str) -> str:
        """Give the name this seed has for a field that is wrong."""
        return cls.own_names.get(pointer, pointer)

    @classmethod
    def refusals(cls, *kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
        """Declare problems under the statuses this seed has for them."""
        return responses(*(kind._replace(status=cls.refused_as.get(kind.status, kind.status)) for kind in kinds))

    def _of_seed(self, error: ApiError, request: Request) -> ApiError:
        kind = error.kind._replace(status=self.refused_as.get(error.kind.status, error.kind.status))
        named = ApiError(
            kind,
            self._own_detail(error),
            faults=self._own_faults(error),
            headers=error.headers,
            details=error.details,
        )
        named.members = error.members
        named.members = error.members | self.members(named, request)
        return named

    def _own_faults(self, error: ApiError) -> list[Fault] | None:
        if error.faults is None:
            return None
        return [fault.model_copy(update={"pointer": self.own_pointer(fault.pointer)}) for fault in error.faults]

    def _own_detail(self, error: ApiError) -> str:
        detail = error.detail
        for fault in error.faults or ():
            detail = detail.replace(f"{fault.pointer}: ", f"{self.own_pointer(fault.pointer)}: ", 1)
        return detail


class BadRequestRoute(SeedRoute):
    """Where a seed answers whatever it refuses with 400."""

    refused_as: ClassVar[dict[int, int]] = dict.fromkeys(REFUSED, 400)


class Seed001Route(BadRequestRoute):
    """Seed 001's, whose login sets a cookie of its own name."""

    login_cookie = "authToken"
