"""What the last `audit verify` said of a shard: whether all agreed, when, up to where, and with which digests."""

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from audit.verify.verify import Verdict

VERDICT: Final = "verdict.json"


class LastVerdict(msgspec.Struct, frozen=True):
    """agrees: of the whole verdict; shard_agrees: of this shard. digest: SHA-256 of the verdict's file.

    seq, next_offset: the last event and the command after the last one that were looked at; chain_digest: that event's,
    ledger_digest: of the ledger there. Null where the verdict has none.
    """

    agrees: bool
    shard_agrees: bool
    made_at: str
    digest: str
    seq: int | None
    next_offset: int | None
    chain_digest: str | None
    ledger_digest: str | None
    scope: list[str]


def kept_verdict(data: Path) -> Path:
    """Say where `audit verify` keeps the last verdict of an instance, by the instance's folder."""
    return data / VERDICT


def last_verdict(path: Path | None, shard: int) -> LastVerdict | None:
    """Read what a kept verdict says of a shard; null where there is none, or it says nothing of the shard."""
    if path is None:
        return None
    try:
        content = path.read_bytes()
        verdict = msgspec.json.decode(content, type=Verdict)
    except (OSError, msgspec.MsgspecError):
        return None  # None was kept here, or one by another version.
    found = next((each for each in verdict.shards if each.shard == shard), None)
    if found is None:
        return None
    return LastVerdict(
        agrees=verdict.agrees,
        shard_agrees=found.agrees,
        made_at=verdict.made_at,
        digest=sha256(content).hexdigest(),
        seq=found.seq,
        next_offset=found.next_offset,
        chain_digest=found.chain_digest,
        ledger_digest=found.ledger_digest,
        scope=verdict.scope,
    )
