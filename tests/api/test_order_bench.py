"""The bench of an order runs whole, on a few orders, and gives every figure it promises."""

import pytest

from bench._instance import SERVICES
from bench.order import CONNECTIONS, run
from bench.report.figures import judged
from bench.report.targets import TARGETS

REQUESTS = ("produce", "fetch", "add_partitions", "end_transaction", "other")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bench_gives_cpu_time_by_process_of_an_instance_and_of_open_servers_and_counts_requests() -> None:
    found = run(4 * CONNECTIONS, warm_up=CONNECTIONS, open_servers=1)
    figures = {figure.name: figure.value for figure in found.figures}
    assert {figure.name for figure in judged("order", found.figures) if figure.target is not None} == set(
        TARGETS["order"]
    )
    for prefix in ("full_speed_", "paced_", "bare_paced_"):
        assert 0 < figures[f"{prefix}p50_ms"] <= figures[f"{prefix}p99_ms"]
    assert min(figures["orders_per_second"], figures["bare_per_second"], figures["passwords_ratio"]) > 0
    assert [use.what for use in found.cpu] == [
        f"{place}, {pace}" for place in ("instance", "open servers") for pace in ("full speed", "paced", "over sockets")
    ]
    for use in found.cpu:
        assert set(use.seconds) == set(SERVICES)
        assert all(use.seconds[name] > 0 for name in ("api", "engine-1", "projector", "kafka", "postgres"))
    full = found.cpu[0]
    assert figures["cpu_ms"] == pytest.approx(sum(full.microseconds().values()) / 1_000, rel=0.01)
    requests = {kind: figures[f"{kind}_requests"] for kind in REQUESTS}
    assert requests["produce"] >= 1, "each order is produced by itself, or nearly"
    assert requests["add_partitions"] >= requests["end_transaction"] > 0
    assert min(requests["fetch"], figures["idle_requests"]) > 0
