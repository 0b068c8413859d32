"""How a verdict is kept: as JSON, or inside of a page; and how one that was kept is gone on from."""

import html
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from audit.verify.journal import JournalEnd
from audit.verify.since import TrustedEnd
from audit.verify.verify import Verdict
from runtime.errors import FixableError
from runtime.json_faults import why_not_decoded

BEGIN: Final = '<pre id="verdict">'
END: Final = "</pre>"
ADVICE: Final = "Verify from genesis."


class EarlierVerdict(msgspec.Struct, frozen=True):
    """What a kept verdict lets the next one begin with: an end for each shard, and what that one was about.

    journal: where the journal ended; null where it was not looked at.
    """

    ends: dict[int, TrustedEnd]
    journal: JournalEnd | None
    scope: list[str]


def verdict_json(verdict: Verdict) -> bytes:
    """Give a verdict as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n"


def require_writable(path: Path) -> None:
    """Refuse a place for a verdict before hours are spent on one."""
    scratch = _scratch(path)
    try:
        if path.is_dir():
            raise IsADirectoryError
        # Not every folder whose permissions allow it takes a file.
        scratch.touch()
        scratch.unlink()
    except OSError as error:
        raise FixableError(f"{path} cannot be written: name a file in a folder that you may write to.") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or replace the one that is there: readers see all of it or nothing."""
    scratch = _scratch(path)
    try:
        with scratch.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(path)
    except OSError as error:
        raise FixableError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        scratch.unlink(missing_ok=True)


def read_earlier(path: Path, shards: Sequence[int]) -> EarlierVerdict:
    """Read a verdict to go on from; FixableError where it is none, or nothing can go on from it."""
    content = path.read_bytes()
    name = f"{path} (SHA-256 {sha256(content).hexdigest()})"
    try:
        verdict = msgspec.json.decode(_json_in(content), type=Verdict)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FixableError(
            f"{path} is no verdict that `./reprise audit verify` wrote by --json, --verdict or --report: "
            f"{why_not_decoded(error)}."
        ) from error
    if not verdict.agrees:
        raise FixableError(f"{path} found differences, so nothing goes on from it. {ADVICE}")
    if verdict.commands != "executed":
        raise FixableError(f"The verdict of {path} executed no command (--state-only). {ADVICE}")
    ends = {}
    for shard in verdict.shards:
        if shard.seq is None or shard.next_offset is None or shard.chain_digest is None or shard.ledger_digest is None:
            raise FixableError(f"{path} does not say where shard {shard.shard} ended. {ADVICE}")
        ends[shard.shard] = TrustedEnd(shard.seq, shard.next_offset, shard.chain_digest, shard.ledger_digest)
    missing = [str(shard) for shard in shards if shard not in ends]
    if missing:
        raise FixableError(f"{path} says nothing of shard {', '.join(missing)}. {ADVICE}")
    places = ", ".join(
        f"shard {shard} from command {ends[shard].next_offset} and event {ends[shard].seq + 1}" for shard in shards
    )
    return EarlierVerdict(
        {shard: ends[shard] for shard in shards},
        verdict.journal,
        [
            f"Only what is new since the verdict of {verdict.made_at} in {name} was verified: {places}.",
            "The ledgers there were folded from the events again, and have that verdict's digests.",
            "What is older was not executed again.",
            *(f"That verdict said: {sentence}" for sentence in verdict.scope),
        ],
    )


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _json_in(content: bytes) -> bytes:
    """Give the JSON of a file that is it, or has it in a page."""
    if not content.lstrip().startswith(b"<"):
        return content
    text = content.decode()
    return html.unescape(text.partition(BEGIN)[2].partition(END)[0]).encode()
