"""The bench of an order runs whole, on a few orders, and gives every number it promises."""

from pathlib import Path

import pytest

from bench._instance import SERVICES
from bench.order import CONNECTIONS, measure


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bench_gives_cpu_time_by_process_of_an_instance_and_of_open_servers(tmp_path: Path) -> None:
    found = measure(tmp_path, 3 * CONNECTIONS, with_open_servers=True)
    assert found["orders"] == 3 * CONNECTIONS
    for place in ("instance", "open_servers"):
        for figures in found[place].values():
            assert figures["per_second"] > 0
            assert 0 < figures["p50_ms"] <= figures["p99_ms"]
            assert set(figures["cpu_ms"]) == set(SERVICES)
            assert all(figures["cpu_ms"][name] > 0 for name in ("api", "engine-1", "projector", "kafka", "postgres"))
            assert figures["cpu_ms_sum"] == pytest.approx(sum(figures["cpu_ms"].values()), abs=0.01)
    assert found["bare"]["full_speed"]["per_second"] > 0
    assert found["passwords_cpu_ratio"] > 0
