"""Each specification holds under every version of the rules, unless it says under which."""

from collections.abc import Iterator

import pytest

from engine.core.rules import RULES
from tests.spec import exchange


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test under every version, or those that `@pytest.mark.rules(...)` names."""
    if "rules_version" in metafunc.fixturenames:
        named = metafunc.definition.get_closest_marker("rules")
        versions = list(RULES) if named is None else list(named.args)
        metafunc.parametrize("rules_version", versions, ids=[f"rules-{version}" for version in versions], indirect=True)


@pytest.fixture(autouse=True)
def rules_version(request: pytest.FixtureRequest) -> Iterator[int]:
    """The version that every shard of the test begins with."""
    token = exchange.RULES.set(request.param)
    yield request.param
    exchange.RULES.reset(token)
