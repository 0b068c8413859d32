"""Offsets of `exchange.commands` without a record: what leaves them, and when a ledger goes on over them.

A transaction's control record takes an offset and is no record, so whoever writes commands in a transaction leaves a
gap. A ledger goes on over it where a later command of the log, AcceptOffsetGap, names exactly these offsets.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.codec import NotDecodable, decode_command
from schemas.commands import AcceptOffsetGap


class OffsetGap(NamedTuple):
    """Offsets of a shard that hold no record; both are of the gap."""

    shard: int
    first: int
    last: int

    @property
    def sentence(self) -> str:
        """Say what is missing."""
        to = "" if self.first == self.last else f" to {self.last}"
        return f"shard {self.shard} has no record at offset {self.first}{to}"

    def is_accepted_in(self, values: Iterable[bytes]) -> bool:
        """Whether one of these commands, which come after the gap, accepts it."""
        return any(self._is_accepted_by(value) for value in values)

    def _is_accepted_by(self, value: bytes) -> bool:
        try:
            command = decode_command(value)
        except NotDecodable:
            return False
        return isinstance(command, AcceptOffsetGap) and self == (
            command.shard,
            command.first_offset,
            command.last_offset,
        )
