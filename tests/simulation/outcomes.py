"""The outcomes of one log's commands, in words that show whether a run covered its purpose."""

from collections import Counter
from collections.abc import Sequence

from schemas.events import CommandRejected, CommandRepeated, Event, PositionClosed, PositionReduced, PricesUpdated
from schemas.rejections import Rejection


def outcomes_of(events: Sequence[Event]) -> Counter[str]:
    """Count the events of a shard by what they say of their commands, and of the positions before."""
    counts: Counter[str] = Counter()
    first: dict[str | None, str] = {}
    reduced: set[str] = set()
    for event in events:
        what = type(event).__name__
        match event:
            case CommandRejected(command=command, rejection=rejection):
                what = f"{command} refused: {Rejection(rejection).name}"
            case CommandRepeated(command_id=command_id):
                what = f"{first[command_id]} repeated"
            case PositionReduced(position_id=position_id):
                if position_id in reduced:
                    what = "PositionReduced again"
                reduced.add(position_id)
            case PositionClosed(position_id=position_id, reason=reason) if position_id in reduced:
                what = f"PositionClosed of what was left: {reason}"
            case PricesUpdated(alive=alive, refused=refused):
                counts["mark counted"] += len(alive)
                counts.update(f"mark refused: {each.reason}" for each in refused if each.bid is None)
            case _:
                pass
        counts[what] += 1
        if event.index == 0:
            first.setdefault(event.command_id, what)
    return counts
