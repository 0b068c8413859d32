"""Which seed a run of faults has: the same faults for the same one, another run for another."""

import os
from typing import Final

VARIABLE: Final = "REPRISE_FAULT_SEED"
DEFAULT: Final = 20261121


def chosen_seed() -> int:
    """Give the environment's seed or the usual one, and print how the same run is had again."""
    seed = int(os.environ.get(VARIABLE, DEFAULT))
    print(f"seed {seed}; again: {VARIABLE}={seed} ./reprise test tests/faults")
    return seed
