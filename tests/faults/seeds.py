"""The seed of a run of faults: the same seed gives the same faults, another seed others."""

import os
from typing import Final

VARIABLE: Final = "REPRISE_FAULT_SEED"
DEFAULT: Final = 20261121


def chosen_seed(folder: str = "tests/faults") -> int:
    """Give the environment's seed or the usual one, and print how the same run is had again."""
    seed = int(os.environ.get(VARIABLE, DEFAULT))
    print(f"seed {seed}; again: {VARIABLE}={seed} ./reprise test {folder}")
    return seed
