"""How msgspec comes to know the answers' types before threads use them."""

import msgspec

from reprise_client.models import _Answer
from reprise_client.stream import Message


def prepare() -> None:
    """Let msgspec look at every type while one thread imports the package.

    Where two threads use a type for the first time at once, msgspec 0.22.0 ends the process by a segmentation fault.
    """
    found: list[type[msgspec.Struct]] = [_Answer, Message]
    for kind in found:
        found += kind.__subclasses__()
        msgspec.json.Decoder(kind)
