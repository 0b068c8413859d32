"""What differs between the versions of the rules: a row for each version, and all else is the same in every one.

A change of rules never edits a row, for logs written under it are replayed for ever: it adds a row, and to `Rules`
what no row said before. CONTRIBUTING.md has a worked example.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from engine.core.margin import fee_of
from schemas.units import Micros, Ppm


class Rules(NamedTuple):
    """One version's row. liquidation_fee: micros, of a notional (micros) and the position's rate (ppm)."""

    liquidation_fee: Callable[[Micros, Ppm], Micros]


# Whatever decides looks up `RULES[state.rules_version]`, where it needs it and no earlier: a command that does not
# touch what changed pays nothing.
RULES: Final[dict[int, Rules]] = {1: Rules(liquidation_fee=fee_of)}


class RulesUnknown(Exception):
    """The log says to go on by rules that this code does not have; the text says what to do."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"rules version {version} begins here, and this version of Reprise has up to {newest_rules()}: "
            "start a newer one, which goes on from here"
        )


def newest_rules() -> int:
    """Give the newest version this code knows."""
    return max(RULES)
