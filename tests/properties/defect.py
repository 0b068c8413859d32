"""What a planted defect is: one function of the core that does something else."""

from collections.abc import Callable
from typing import NamedTuple


class Defect(NamedTuple):
    """One wrong function. planted: its replacement; laws, twin: whether these can find it, and why not."""

    name: str
    function: Callable[..., object]
    planted: Callable[..., object]
    laws: bool = True
    twin: bool = True
