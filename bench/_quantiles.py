"""The quantiles of many times, as figures."""

from collections.abc import Sequence
from typing import Final

from bench.report.figures import Figure

MS: Final = 1_000
QUANTILES: Final = (("p50", 500), ("p99", 990), ("p999", 999))


def quantile(times: Sequence[float], per_mille: int) -> float:
    """Give the time that so many of a thousand are not above; the times are sorted."""
    return times[min(len(times) - 1, len(times) * per_mille // 1_000)]


def latencies(prefix: str, what: str, turns: Sequence[Sequence[float]], *, peer: str | None = None) -> list[Figure]:
    """Give quantiles of all turns' seconds together, in milliseconds, and of each turn beside them."""
    together = sorted(second for turn in turns for second in turn)
    found = []
    for name, per_mille in QUANTILES:
        runs = tuple(round(quantile(sorted(turn), per_mille) * MS, 2) for turn in turns)
        value = round(quantile(together, per_mille) * MS, 2)
        label = f"{what}, {_words(per_mille)}"
        found.append(Figure(name=f"{prefix}{name}_ms", label=label, value=value, unit="ms", peer=peer, runs=runs))
    return found


def _words(per_mille: int) -> str:
    return "median" if per_mille == QUANTILES[0][1] else f"{per_mille / 10:g} % within"
