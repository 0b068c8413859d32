"""The checks of every history: during the run, at rest, and of the log it leaves."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from audit.log.differences import Difference
from audit.verify.folding import BROADCAST
from audit.verify.verify import VerifyRequest, verify
from engine.core.state import State, genesis
from engine.core.step import step
from engine.shell.shard import Shard
from runtime.kafka import LogRecord
from schemas.codec import command_in, decode_event, encode_and_chain, first_digest
from schemas.snapshots import SnapshotUnreadable, decode_manifest, is_manifest_key, unpack
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS
from tests.audit.logs import MemoryLog
from tests.audit.logs import Shard as Part
from tests.replaying import execute
from tests.simulation.cluster import Cluster, Entry, Transaction
from tests.simulation.damage import Damage
from tests.simulation.engine_process import EngineProcess
from tests.simulation.outcomes import outcomes_of

MICROSECONDS_PER_MILLISECOND: Final = 1_000
NEVER: Final = 1 << 62
TORN: Final = "a late request ended the next transaction"
RULES_SENT: Final = f"{BROADCAST}rules-"


class Judge:
    """Watches the brokers, and has a list of the commands of its own.

    spoiled: manifests somebody broke on purpose. became: what became of the commands that were rightly committed.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.problems: list[str] = []
        self.spoiled: set[tuple[int, int]] = set()
        self.became: Counter[str] = Counter()
        self._cluster = cluster
        self._commands: list[list[LogRecord]] = [[] for _ in range(cluster.shards)]
        self._ended = [False] * cluster.shards
        self._committed = [0] * cluster.shards
        cluster.on_commit = self._look_at_commit
        cluster.on_tear = self._look_at_tear

    def note_command(self, shard: int, entry: Entry | None) -> None:
        """Write down what was sent, whatever becomes of the log."""
        if entry is not None and not self._ended[shard]:
            self._commands[shard].append(entry.record)

    def end_reference(self, shard: int) -> None:
        """Nothing sent to this shard from now on can be executed."""
        self._ended[shard] = True

    def commands_behind(self, events: Sequence[LogRecord]) -> int:
        """Give how many commands these events are of."""
        return decode_event(events[-1].value).command_offset + 1 if events else 0

    def execute_all(self, shard: int) -> tuple[State, bytes]:
        """Give the ledger that all commands of a shard lead to, and the digest of its last event."""
        state, digest = genesis(shard, self._cluster.shards), first_digest(shard)
        for record in self._commands[shard]:
            rules, time = state.rules_version, record.timestamp_ms * MICROSECONDS_PER_MILLISECOND
            for event in step(state, command_in(record.value, rules), offset=record.offset, time=time):
                _, digest = encode_and_chain(event, digest, rules)
        return state, digest

    def unrest(self, alive: list[EngineProcess]) -> str | None:
        """Say what still moves, or should; null where every shard has one owner that has done all it can."""
        for number in range(self._cluster.shards):
            owners = [shard for process in alive for shard in process.shards if shard.number == number]
            if len(owners) != 1:
                return f"shard {number} has {len(owners)} owners"
            why = self._unrest_of(owners[0])
            if why is not None:
                return f"shard {number}, {owners[0].phase}, {why}"
        return None

    def verdict(self, processes: list[EngineProcess], damage: Damage | None, *, is_peaceful: bool) -> list[str]:
        """Say what is wrong with what a history left."""
        problems = []
        alive = [process for process in processes if not process.is_dead]
        if is_peaceful and len(alive) < len(processes):
            problems.append("a process ended though nothing was wrong")
        owners = {shard.number: shard for process in alive for shard in process.shards}
        for number in range(self._cluster.shards):
            its_damage = damage if damage is not None and damage.is_done and damage.shard == number else None
            if number in owners:
                problems += self._wrong_with(owners[number], its_damage)
        sound = tuple(
            number
            for number in range(self._cluster.shards)
            if damage is None or not damage.is_done or damage.shard != number
        )
        if damage is not None and damage.alters_the_past and not self._audit((damage.shard,)):
            problems.append(f"the audit does not see the damage: {damage.kind} at {damage.offset}")
        return problems + self._audit(sound)

    def _look_at_commit(self, transaction: Transaction) -> None:
        """A snapshot may be published only when every event in it is committed."""
        partition = transaction.partition
        if partition is None:
            return
        records = [
            entry.record
            for entry in partition.entries[transaction.first :]
            if entry is not None and entry.transaction is transaction
        ]
        if partition.name.startswith(EVENTS):
            self._committed[partition.number] += len(records)
            return
        for record in records:
            if is_manifest_key(record.key) and record.value:
                seq, committed = decode_manifest(record.value).seq, self._committed[partition.number]
                if seq > committed:
                    self.problems.append(
                        f"a snapshot of event {seq} was published in {partition.name} when {committed} were committed"
                    )

    def _look_at_tear(self, transaction: Transaction) -> None:
        """No request may end another transaction than its own."""
        self.problems.append(f"{transaction.transactional_id}: {TORN}")

    def _unrest_of(self, shard: Shard) -> str | None:
        if shard.outbox is None:
            return "has no outbox"
        if shard.phase == "frozen":
            return None if shard.outbox._idle.is_set() else "is still committing"
        if shard.phase != "live":
            return "is not live"
        end = self._cluster.topic(COMMANDS, shard.number).end
        if shard.next_offset < end:
            return f"is at offset {shard.next_offset} of {end}"
        if shard.outbox.committed_seq < shard.seq:
            return f"has {shard.outbox.committed_seq} of {shard.seq} events committed"
        return None

    def _wrong_with(self, shard: Shard, damage: Damage | None) -> list[str]:
        """Compare what a shard committed with what its commands lead to, and what it says with what it met."""
        number = shard.number
        name = f"shard {number}"
        log = [(record.timestamp_ms * MICROSECONDS_PER_MILLISECOND, record.value) for record in self._commands[number]]
        expected = execute(number, self._cluster.shards, log, laws_every=NEVER)
        committed = [record.value for record in self._cluster.topic(EVENTS, number).committed()]
        if committed != expected.values[: len(committed)]:
            place = next(
                (
                    place
                    for place, (one, other) in enumerate(zip(committed, expected.values, strict=False))
                    if one != other
                ),
                len(expected.values),
            )
            return [f"{name}: event {place + 1} is not what an undisturbed run gives: {_name_of(committed[place])}"]
        self.became += outcomes_of(expected.events[: len(committed)])
        if shard.phase == "frozen":
            return self._wrong_with_freezing(shard, damage, expected.events, len(committed))
        if damage is not None and damage.stops_everyone:
            return [f"{name} is live beyond its damage: {damage.kind}"]
        if len(committed) < len(expected.values) and (damage is None or damage.kind != "cut"):
            return [f"{name}: {len(expected.values) - len(committed)} events are missing"]
        if shard.digest != (first_digest(number) if not committed else committed[-1][-16:]):
            return [f"{name}: its digest is not that of the last committed event"]
        return []

    def _wrong_with_freezing(
        self, shard: Shard, damage: Damage | None, expected: Sequence[object], seq: int
    ) -> list[str]:
        name = f"shard {shard.number}"
        if damage is None:
            return [f"{name} froze though its log is sound: {shard.error}"]
        if not any(words in (shard.error or "") for words in damage.words):
            return [f"{name} froze for {damage.kind}, and says: {shard.error}"]
        if damage.stops_everyone:
            before = sum(1 for event in expected if getattr(event, "command_offset") < damage.offset)  # noqa: B009
            if seq != before:
                return [f"{name} committed {seq} events, and {before} stand before its damage: {damage.kind}"]
        return []

    def _audit(self, shards: tuple[int, ...]) -> list[str]:
        """Let the audit verify what is sound; of the snapshots that were spoiled it must name those that show it."""
        parts = [
            Part(*(self._cluster.topic(topic, shard).committed() for topic in (COMMANDS, EVENTS, SNAPSHOTS)))
            for shard in range(self._cluster.shards)
        ]
        verdict = verify(MemoryLog(parts, "the simulated log"), VerifyRequest(shards, processes=1))
        named = {(each.shard, each.offset) for each in verdict.differences if each.judge == "snapshots"}
        unnamed = [
            f"the audit does not name the spoiled snapshot of shard {shard} with its manifest at {offset}"
            for shard, offset in sorted(self.spoiled)
            if shard in shards and (shard, offset) not in named and shows_damage(parts[shard].snapshots, offset)
        ]
        # All that was sent is executed: what is under way still is lost; only rules are sent when each shard may.
        lost = [f"audit: {each}" for each in verdict.under_way if BROADCAST in each and RULES_SENT not in each]
        wrong = [f"audit: {each.sentence()}" for each in verdict.differences if not self._is_known(each)]
        return wrong + lost + unnamed

    def _is_known(self, difference: Difference) -> bool:
        """Say whether it names what was spoiled, or one whose chunks a lost manifest's snapshot has replaced."""
        if difference.judge != "snapshots":
            return False
        of_shard = [offset for shard, offset in self.spoiled if shard == difference.shard]
        return difference.offset in of_shard or (bool(of_shard) and "cannot be used: chunk" in difference.what)


def shows_damage(snapshots: list[LogRecord], offset: int) -> bool:
    """Say whether what stands in the log of the snapshot with this manifest is not what was written.

    One of which compaction took something, as its slot was used again, is nobody's any more.
    """
    record = next((record for record in snapshots if record.offset == offset), None)
    if record is None:
        return False
    values = {other.offset: other.value for other in snapshots if other.value}
    try:
        manifest = decode_manifest(record.value)
        chunks = [values[chunk] for chunk in manifest.chunk_offsets]
        return not list(unpack(manifest, chunks))
    except SnapshotUnreadable:
        return True
    except KeyError:
        return not any(other.key == record.key and other.offset > offset and other.value for other in snapshots)


def _name_of(value: bytes) -> str:
    event = decode_event(value)
    return f"{type(event).__name__}, event {event.seq} of the command at offset {event.command_offset}"
