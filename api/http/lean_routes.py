"""How a route's dependencies are solved without those that only declare, and each of the others once."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, _effective_route_context_var
from fastapi.security.base import SecurityBase


class LeanRoute(APIRoute):
    """A route whose documents say all its dependencies, and whose requests solve those that do something.

    FastAPI solves what a dependency depends on before it looks whether the dependency is solved already, and calls a
    security scheme that only stands in the documents: two thirds of what an order's dependencies cost.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Build the handler of the lean dependencies; the documents read the whole ones."""
        # A router that is included makes of each of its routes another one, and lets only this variable say so.
        included = _effective_route_context_var.get()
        place = included if included is not None and included.original_route is self else self
        whole = place.dependant
        assert whole is not None, "a route of an endpoint has dependencies"
        place.dependant = _lean(whole, set())
        try:
            return super().get_route_handler()
        finally:
            place.dependant = whole


def _lean(whole: Dependant, solved: set[Any]) -> Dependant:
    """Copy a tree without security schemes, which nobody asks; what was solved before keeps only its name."""
    kept: list[Dependant] = []
    for each in whole.dependencies:
        call: object = each.call
        if isinstance(call, SecurityBase):
            assert each.name is None, "a scheme that somebody asks must be solved"
            continue
        if each.call in solved and each.use_cache and not _may_be_refused(each):
            kept.append(replace(each, dependencies=[], request_param_name=None, response_param_name=None))
        else:
            kept.append(_lean(each, solved))
            solved.add(each.call)
    return replace(whole, dependencies=kept)


def _may_be_refused(dependant: Dependant) -> bool:
    """Say whether a dependency, or one of its own, has parameters that a request may give wrongly."""
    given = (dependant.path_params, dependant.query_params, dependant.header_params)
    if any(given) or dependant.cookie_params or dependant.body_params:
        return True
    return any(map(_may_be_refused, dependant.dependencies))
