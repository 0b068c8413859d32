"""How msgspec comes to know the records of a process before threads use them."""

import msgspec

from schemas.plain_data import shapes


def prepare_structs() -> None:
    """Let msgspec look at every record that is imported. Called while one thread runs.

    It does so when a record is first decoded or converted to. Where two threads do that at once, the second one uses
    what the first has half written, and the process ends by a segmentation fault (msgspec 0.22.0). What it takes the
    records of the log for is made here too, else the first request would make it in its thread.
    """
    shapes()
    found = [msgspec.Struct]
    for kind in found:
        found += kind.__subclasses__()
        msgspec.json.Decoder(kind)
