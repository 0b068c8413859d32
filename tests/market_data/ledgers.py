"""Tests of market data are told here what the ledger says, without a broker."""

from market_data.ledger import FollowedLedger
from schemas.instruments import BY_SYMBOL
from schemas.messages import Instrument
from schemas.record import replace
from schemas.units import Ppm
from tests.market_data.fake_clock import BTC, ETH

DOGE = "DOGE_USDC"
WIDE = Ppm(10_000)  # a spread of 1 %, as ledgers of before had it


def instrument(symbol: str = BTC, *, spread_max: Ppm = WIDE) -> Instrument:
    """Give an instrument of a new ledger, or one that it does not have, with a spread that tests can write."""
    like = BY_SYMBOL.get(symbol, BY_SYMBOL["SOL_USDC"])
    return replace(like, symbol=symbol, spread_max=spread_max)


def ledger_of(*symbols: str, shards: int = 1, rules_version: int = 1, spread_max: Ppm = WIDE) -> FollowedLedger:
    """Give a ledger whose every shard knows these instruments, BTC and ETH where none are named."""
    made = FollowedLedger(shards, None)
    for shard in range(shards):
        made.define(shard, [instrument(symbol, spread_max=spread_max) for symbol in symbols or (BTC, ETH)])
        made.activate(shard, rules_version)
    return made
