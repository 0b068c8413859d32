"""How a verification goes on from where an earlier one ended: the ledger there is folded anew, and must be the same."""

from typing import Final

import msgspec

from audit.log.differences import Difference
from audit.log.log_reader import LogReader
from audit.verify.reports import CORE_ERRORS, JudgeStart, LedgerPoint, point_of
from audit.verify.ring import newest_start
from engine.core.apply import apply
from engine.core.state import genesis
from schemas.codec import NotDecodable, decode_event, digest_of, first_digest

JUDGE: Final = "since"


class TrustedEnd(msgspec.Struct, frozen=True):
    """Where a verdict left a shard: its last event, the next command, and the digests of the chain and the ledger."""

    seq: int
    next_offset: int
    chain: str
    ledger: str


class OtherLog(Exception):
    """The log has not the ledger that the earlier verdict saw."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.sentence())
        self.difference = difference


def start_since(log: LogReader, shard: int, trusted: TrustedEnd) -> JudgeStart:
    """Fold the events up to where a verdict ended, without executing a command; OtherLog where that ledger is another.

    It begins at a snapshot where there is one before; one that does not lead there is not believed.
    """
    newest = newest_start(log, shard, below=trusted.next_offset)
    if 0 < newest.state.seq <= trusted.seq:
        start = _fold_to(log, newest, trusted.seq)
        if _unlike(start, trusted) is None:
            return start
    start = _fold_to(log, JudgeStart(genesis(shard, log.shards), first_digest(shard)), trusted.seq)
    unlike = _unlike(start, trusted)
    if unlike is not None:
        field, expected, found = unlike
        raise OtherLog(
            Difference(
                judge=JUDGE,
                shard=shard,
                what="the log does not have the ledger that the earlier verdict ended with",
                offset=trusted.next_offset - 1,
                seq=trusted.seq,
                field=field,
                expected=expected,
                found=found,
            )
        )
    return start


def _fold_to(log: LogReader, start: JudgeStart, seq: int) -> JudgeStart:
    """Apply events up to one, as far as there are any and they follow each other."""
    state, digest = start
    if state.seq == seq:
        return start
    for batch in log.events(state.shard, 0):
        for record in batch:
            try:
                event = decode_event(record.value)
                if event.seq <= state.seq:
                    continue
                if event.seq != state.seq + 1:
                    return JudgeStart(state, digest)
                apply(state, event)
            except (NotDecodable, *CORE_ERRORS):
                return JudgeStart(state, digest)
            digest = digest_of(record.value)
            if state.seq == seq:
                return JudgeStart(state, digest)
    return JudgeStart(state, digest)


def _unlike(start: JudgeStart, trusted: TrustedEnd) -> tuple[str, str, str] | None:
    """Name the first thing in which a ledger is not the trusted one, and both values."""
    point: LedgerPoint = point_of(start.state, start.digest)
    pairs = (
        ("seq", str(trusted.seq), str(point.seq)),
        ("next_offset", str(trusted.next_offset), str(point.next_offset)),
        ("digest", trusted.chain, point.chain.hex()),
        ("ledger", trusted.ledger, point.ledger.hex()),
    )
    return next((pair for pair in pairs if pair[1] != pair[2]), None)
