"""What makes two commands the same: everything but id and deadline, in the 16 bytes that events carry of it."""

from hashlib import blake2b
from typing import Final

import msgspec

from schemas.commands import Broadcast, ClientCommand
from schemas.record import given_fields

CONTENT_SIZE: Final = 16

_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=given_fields)


def content_of(command: ClientCommand | Broadcast) -> bytes:
    """Give the `command_hash` of a command.

    Fields that are null are left out, so that a field added later changes no old command's content.
    """
    content = given_fields(command)
    content["command_id"] = ""
    content.pop("deadline", None)
    return blake2b(type(command).__name__.encode() + _ENCODER.encode(content), digest_size=CONTENT_SIZE).digest()
