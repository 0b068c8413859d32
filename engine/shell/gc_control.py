"""When the garbage collector runs: not while a ledger is loaded, and never over a ledger that is there."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# So many more objects than were freed begin a collection of the young ones. A batch's commands and events are freed by
# their reference counts; with Python's 700 a tenth of the time goes into looking through them before.
YOUNG_OBJECTS: Final = 10_000


class GcControl:
    """Spares the shards the pauses in which a collection looks through ledgers, which stay anyway."""

    def __init__(self) -> None:
        self._loading = 0
        gc.set_threshold(YOUNG_OBJECTS)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let a ledger be loaded without collections, each of which would look through those there already."""
        self._loading += 1
        gc.disable()
        try:
            yield
        finally:
            self._loading -= 1
            if not self._loading:
                gc.freeze()
                gc.enable()

    def freeze(self) -> None:
        """Let no later collection look through the recovered ledgers.

        None runs first: it would stop the shards for as long as the ledgers are large, and replaying leaves next to
        nothing to collect.
        """
        gc.freeze()
