"""The bench of the API runs whole, on a few orders, and gives every number it promises."""

from pathlib import Path

import pytest

from bench.api import CONNECTIONS, measure
from runtime.settings import Settings
from tests.conftest import empty_topics


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_bench_gives_rates_and_quantiles_of_the_api_and_of_a_bare_endpoint(kafka: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({"kafka_brokers": kafka, "shards": 2})
    empty_topics(settings)
    found = measure(settings, tmp_path, 3 * CONNECTIONS)
    assert found["orders"] == 3 * CONNECTIONS
    for name in ("orders_per_second", "keyed_orders_per_second", "bare_per_second"):
        assert found[name] > 0
    assert 0 < found["order_seconds_p50"] <= found["order_seconds_p99"]
    assert 0 < found["bare_seconds_p50"] <= found["bare_seconds_p99"]
