"""The damages of a log or a core that must stop a shard, and the messages with which it stops."""

import random
from typing import TYPE_CHECKING, Final, Literal, get_args

from schemas.codec import RULES_VERSION, command_in
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS
from tests.simulation.cluster import Entry, manifests_in

if TYPE_CHECKING:
    from tests.simulation.run import History

Kind = Literal["gap at the end", "gap in the past", "cut", "beginning deleted", "command altered", "core raises"]

CHANCE: Final = 0.2
WORDS: Final[dict[Kind, tuple[str, ...]]] = {
    "gap at the end": ("has no record at offset",),
    "gap in the past": ("has no record at offset", "replay came to another ledger"),
    "cut": ("commands are missing", "the log was cut", "has no record at offset"),
    "beginning deleted": ("older ones were deleted", "has no record at offset", "the log was cut"),
    "command altered": ("replay came to another ledger", "commands are missing"),
    "core raises": ("the core raised at offset",),
}


class Damage:
    """One defect of one shard. offset: where it is, once it is done."""

    def __init__(self, kind: Kind, shard: int, dice: random.Random) -> None:
        self.kind: Kind = kind
        self.shard = shard
        self.is_done = False
        self.offset = -1
        self._dice = dice

    @property
    def words(self) -> tuple[str, ...]:
        """Give what a shard may say of it."""
        return WORDS[self.kind]

    @property
    def stops_everyone(self) -> bool:
        """Whether a shard cannot but come to it, whatever it has executed before."""
        return self.is_done and self.kind in ("gap at the end", "core raises")

    @property
    def alters_the_past(self) -> bool:
        """Whether events are committed that no longer follow from the commands."""
        return self.is_done and self.kind in ("gap in the past", "command altered")

    def ends_sending(self, shard: int) -> bool:
        """Whether nothing more can be sent without writing another history."""
        return self.is_done and self.kind == "cut" and shard == self.shard

    def raise_at(self, shard: int, offset: int) -> None:
        """Be a defect of the core."""
        if self.is_done and self.kind == "core raises" and (shard, offset) == (self.shard, self.offset):
            raise ZeroDivisionError("planted")

    def do(self, history: "History") -> None:
        """Let it happen, unless there is nothing yet to damage."""
        self.is_done = True
        partition = history.cluster.topic(COMMANDS, self.shard)
        events = history.cluster.topic(EVENTS, self.shard)
        executed = history.judge.commands_behind(events.committed())
        match self.kind:
            case "gap at the end":
                self.offset = partition.end
                partition.entries.append(None)
                history.judge.end_reference(self.shard)
                history.send(self.shard)
            case "core raises":
                self.offset = partition.end
                history.send(self.shard)
            case _ if executed < 2:  # There is no past to damage yet.
                self.kind, self.offset = "core raises", partition.end
                history.send(self.shard)
            case "gap in the past":
                self.offset = self._replayed(history, executed)
                partition.entries[self.offset] = None
            case "cut":
                for process in history.alive():
                    process.kill()
                self.offset = self._dice.randrange(max(0, executed - 4), partition.end)
                del partition.entries[self.offset :]
            case "beginning deleted":
                partition.first = self.offset = self._dice.randrange(1, executed)
                partition.entries[: self.offset] = [None] * self.offset
            case "command altered":
                self.offset = self._replayed(history, executed)
                entry = partition.entries[self.offset]
                assert entry is not None, "one defect a run"
                record = entry.record
                others = [record._replace(timestamp_ms=record.timestamp_ms + 20_000)]
                if command_in(record.value, RULES_VERSION) is not None:  # Else it was no command before either.
                    others.append(record._replace(value=b"altered"))
                partition.entries[self.offset] = Entry(self._dice.choice(others), None)
        history.trace.add("world", f"damage in {partition.name}: {self.kind}", offset=self.offset)

    def _replayed(self, history: "History", executed: int) -> int:
        """Give the offset of an executed command that mostly is replayed: everybody is killed, no snapshot has it."""
        for process in history.alive():
            process.kill()
        found = manifests_in(history.cluster.topic(SNAPSHOTS, self.shard))
        first = found[-1][1].next_offset if found else 0
        return self._dice.randrange(first if first < executed else 0, executed)


def planned_damage(dice: random.Random, shards: int) -> Damage | None:
    """Give a defect for this run, in some runs."""
    if dice.random() > CHANCE:
        return None
    return Damage(dice.choice(get_args(Kind)), dice.randrange(shards), random.Random(dice.random()))
