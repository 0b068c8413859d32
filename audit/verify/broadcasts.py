"""Whether every shard was told the same: broadcasts, markets, rules and limits."""

from typing import Final

from audit.log.differences import Difference
from audit.verify.folding import BROADCAST, RULES
from audit.verify.reports import JudgeReport
from schemas.units import SECOND

# Of log time: a broadcast that reached the first shard less than this before the log's end is still under way, for it
# is sent again every few seconds until every shard has answered.
UNDER_WAY: Final = 10 * SECOND


def compare_broadcasts(folds: list[JudgeReport]) -> tuple[list[Difference], list[str]]:
    """Name each shard that lacks a broadcast or has another one under its name; and those it has not reached yet."""
    whole = [report for report in folds if report.end is not None]
    now = max((report.end.time for report in whole if report.end is not None), default=0)
    differences, under_way = [], []
    for name in {name: None for report in whole for name in report.shared}:
        # A fold from a snapshot has not read the broadcasts before it, and knows only what they led to.
        compared = [report for report in whole if not name.startswith(BROADCAST) or _is_from_genesis(report)]
        holders = [report for report in compared if name in report.shared]
        # Of two rules versions the higher one counts: the shard that has the lower one missed something.
        first = max(holders, key=lambda report: int(report.shared[RULES])) if name == RULES else holders[0]
        others = [report for report in compared if report.shared.get(name) != first.shared[name]]
        if others and now - max(report.shared_at.get(name, 0) for report in holders) < UNDER_WAY:
            shards = ", ".join(str(report.shard) for report in others)
            under_way.append(f"Under way: {name}, which differs in shard {shards} from shard {first.shard} until now.")
            continue
        differences += [_unlike(name, first, report) for report in others]
    return differences, under_way


def _is_from_genesis(report: JudgeReport) -> bool:
    return report.end is not None and report.end.seq == report.events


def _unlike(name: str, first: JudgeReport, other: JudgeReport) -> Difference:
    shared = other.shared.get(name)
    return Difference(
        judge="broadcasts",
        shard=other.shard,
        what=f"{name} is missing" if shared is None else f"{name} says another thing than in shard {first.shard}",
        field=name,
        expected=first.shared[name],
        found=shared or "nothing",
    )
