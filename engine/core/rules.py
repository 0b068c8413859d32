"""What differs between the versions of the rules: a row for each version, and all else is the same in every one.

A change of rules never edits a row, for logs written under it are replayed for ever: it adds a row, and to `Rules`
what no row said before. CONTRIBUTING.md has a worked example.
"""

from typing import Final, NamedTuple

from schemas.bounds import CANDIDATE_AGE_MAX
from schemas.units import SECOND


class Rules(NamedTuple):
    """One version's row; docs/rules.md has the numbers of the rules. Spans in µs of log time, null for no limit."""

    marks_name_ticks: bool  # PRICE-18: an alive mark keeps fresh only the tick it names
    ranges: bool  # PRICE-23: a tick keeps the range it came with, under version 1 alone
    open_age_max: int | None  # PRICE-20: how long ago a price was heard, for an opening, where an instrument has none
    candidate_age_max: int | None  # PRICE-21
    jumps_alike: bool  # PRICE-22: a fall is measured as the rise that takes it back
    budgets: bool  # CMD-18 to CMD-20: what an id is counted under is what its command came to
    positions_limited: bool  # OPEN-18
    fee_by_trigger: bool  # LIQ-08: only a liquidation pays the liquidation fee
    exact_units: bool  # INST-05
    closed_quantity: bool  # PART-11: the outcome of a reduction has what closed, not what was asked for
    forgotten_each_command: int  # CMD-21: ids of silent accounts


# Whatever decides looks up `RULES[state.rules_version]`, where it needs it and no earlier: a command that does not
# touch what changed pays nothing.
RULES: Final[dict[int, Rules]] = {
    1: Rules(
        marks_name_ticks=False,
        ranges=True,
        open_age_max=None,
        candidate_age_max=None,
        jumps_alike=False,
        budgets=False,
        positions_limited=False,
        fee_by_trigger=False,
        exact_units=False,
        closed_quantity=False,
        forgotten_each_command=0,
    ),
    2: Rules(
        marks_name_ticks=True,
        ranges=False,
        open_age_max=2 * SECOND,
        candidate_age_max=CANDIDATE_AGE_MAX,
        jumps_alike=True,
        budgets=True,
        positions_limited=True,
        fee_by_trigger=True,
        exact_units=True,
        closed_quantity=True,
        forgotten_each_command=2,
    ),
}


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
