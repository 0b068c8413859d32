"""When the garbage collector runs: not while a ledger is loaded, and never over a ledger that is there."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class GcControl:
    """Spares the shards the pauses in which a collection looks through ledgers, which stay anyway."""

    def __init__(self) -> None:
        self._loading = 0

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
