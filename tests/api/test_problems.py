"""The registry of problems: every refusal of the core is in it, with the status of its kind."""

import re

import pytest

from api.http.problems import REFUSALS, REGISTRY, ApiError, Problem, problem_response
from schemas.rejections import Rejection

STATUSES = {
    422: {Rejection.NOT_DECODABLE, Rejection.MALFORMED, Rejection.COMMAND_ID_REUSED},
    429: {Rejection.TOO_MANY_COMMANDS},
}


@pytest.mark.parametrize("rejection", list(Rejection), ids=lambda rejection: rejection.name)
def test_every_rejection_of_the_core_is_a_problem_with_the_rejection_s_name(rejection: Rejection) -> None:
    kind = REGISTRY[rejection.name]
    expected = next((status for status, rejections in STATUSES.items() if rejection in rejections), 409)
    assert (kind.code, kind.status) == (rejection.name, expected)
    assert kind == REFUSALS[rejection]


def test_every_problem_code_is_upper_case_and_every_title_is_unique() -> None:
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in REGISTRY)
    titles = [kind.title for kind in REGISTRY.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("code", list(REGISTRY))
def test_a_problem_is_rendered_as_rfc_9457_defines(code: str) -> None:
    kind = REGISTRY[code]
    response = problem_response(ApiError(kind), "/api/v1/orders")
    problem = Problem.model_validate_json(bytes(response.body))
    assert response.media_type == "application/problem+json"
    assert response.status_code == problem.status == kind.status
    assert (problem.code, problem.title, problem.instance) == (code, kind.title, "/api/v1/orders")
    assert ("www-authenticate" in response.headers) == (kind.status == 401)
