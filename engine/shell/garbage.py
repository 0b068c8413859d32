"""When collections may look through the ledgers of this process: not while one is loaded, and never after."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class Garbage:
    """Spares the shards the pauses in which a collection looks at what stays anyway."""

    def __init__(self) -> None:
        self._loading = 0

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        """Let a ledger be loaded without collections, each of which would look through what is there already."""
        self._loading += 1
        gc.disable()
        try:
            yield
        finally:
            self._loading -= 1
            if not self._loading:
                gc.freeze()
                gc.enable()

    def keep_what_is_there(self) -> None:
        """Let no collection look through recovered ledgers again: they stay.

        None is made first: it would stop the shards for as long as the ledgers are large, and replaying leaves next to
        nothing to collect.
        """
        gc.freeze()
