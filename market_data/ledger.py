"""What of the ledger market data goes by: its instruments, and each shard's rules and activity."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import structlog

from market_data.activity import ShardActivity
from market_data.clock import Clock
from schemas.messages import Instrument

FIRST_RULES: Final = 1
WARN_EVERY_S: Final = 60.0

log = structlog.get_logger(__name__)


class FollowedLedger:
    """Filled by whoever reads the events, and asked by all others, in one thread.

    symbols: the only ones to follow, null for every instrument there is, also one that is defined later.
    """

    def __init__(self, shards: int, symbols: Collection[str] | None) -> None:
        self.shards = shards
        self.activity = ShardActivity(shards)
        self._symbols = symbols
        self._defined: list[dict[str, Instrument]] = [{} for _ in range(shards)]
        self._rules = [FIRST_RULES] * shards
        self._followed: Mapping[str, Instrument] = {}

    @property
    def followed(self) -> Mapping[str, Instrument]:
        """The instruments to follow, by symbol and in the ledger's order; a new mapping whenever that changes."""
        return self._followed

    def rules_version(self, shard: int) -> int:
        """Give the version of the rules a shard is known to be under."""
        return self._rules[shard]

    def activate(self, shard: int, version: int) -> None:
        """Note that a shard goes on by a version of the rules."""
        self._rules[shard] = version

    def define(self, shard: int, instruments: Iterable[Instrument]) -> None:
        """Note instruments of a shard, or what changed of them. One that any shard knows is followed."""
        self._defined[shard] |= {instrument.symbol: instrument for instrument in instruments}
        known = {symbol: instrument for defined in reversed(self._defined) for symbol, instrument in defined.items()}
        order = dict.fromkeys(symbol for defined in self._defined for symbol in defined)
        followed = {symbol: known[symbol] for symbol in order if self._symbols is None or symbol in self._symbols}
        new = [symbol for symbol in followed if symbol not in self._followed]
        if new:
            log.info("instruments of the ledger are followed", symbols=new)
        self._followed = followed

    def forget(self, shard: int) -> None:
        """Forget what was noted of a shard: it was of another ledger."""
        self._defined[shard] = {}
        self._rules[shard] = FIRST_RULES
        self.activity.begin(shard, positions=0)

    def shards_without_instruments(self) -> list[int]:
        """Give the shards of which no instrument is known."""
        return [shard for shard, defined in enumerate(self._defined) if not defined]

    async def warn_periodically(self, clock: Clock) -> None:
        """Warn of symbols that are to be followed, until the ledger knows them."""
        while unknown := self.unknown_symbols():
            log.warning("POLLER_ASSETS names symbols that the ledger does not know", symbols=unknown)
            await clock.sleep(WARN_EVERY_S)

    def unknown_symbols(self) -> list[str]:
        """Give the symbols that are to be followed and that no shard knows."""
        return [symbol for symbol in self._symbols or () if symbol not in self._followed]
