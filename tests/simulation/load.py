"""What people and prices send in one run: in order, twice, broken, and whatever the engine is doing."""

import random
from functools import cache
from typing import Any, Final
from uuid import UUID

from reprise.schemas.codec import encode_command
from reprise.schemas.commands import (
    AmendStops,
    ClosePosition,
    Command,
    DefineInstruments,
    Deposit,
    OpenAccount,
    OpenPosition,
    SelectFeed,
    UpdatePrices,
    Withdraw,
)
from reprise.schemas.ids import broadcast_id, open_account_id, position_id
from reprise.schemas.instruments import FIRST_BROADCAST, INSTRUMENTS
from reprise.schemas.messages import Tick
from reprise.schemas.sharding import shard_of

FEED: Final = ("simulated", "run-1")
MIDS: Final = {"BTC_USDC": 500_000, "ETH_USDC": 300_000, "SOL_USDC": 15_000}  # ticks
USDC: Final = 1_000_000
ACCOUNTS: Final = 4


class Load:
    """The senders of one shard."""

    def __init__(self, dice: random.Random, shard: int, shards: int) -> None:
        self._dice = dice
        self._shard = shard
        self._shards = shards
        self._accounts = _accounts(shard, shards)
        self._sent: list[bytes] = []
        self._ticks = 0
        self._opened = 0

    def opening(self, now_us: int) -> list[tuple[bytes | None, bytes]]:
        """What must come first: instruments, a feed, confirmed prices, accounts with money."""
        prices = [self._prices(now_us, 0) for _ in range(2)]
        return [*_opening(self._shard, self._shards), *((None, encode_command(each)) for each in prices)]

    def next(self, now_us: int) -> tuple[bytes | None, bytes]:
        """Give one record, key and value."""
        dice = self._dice
        choice = dice.random()
        account = dice.choice(self._accounts)
        if choice < 0.04:
            return None, dice.choice((b"", b"no command", b"\xc3\x01" + dice.randbytes(12)))
        if self._sent and choice < 0.14:  # A sender that had no answer asks again.
            return account.encode(), dice.choice(self._sent)
        if choice < 0.40:
            # Now and then a jump that liquidates whoever has much at stake.
            return None, encode_command(self._prices(now_us, dice.choice((0, 1, -2, 3, 90, -90, 400, -400))))
        value = encode_command(self._order(account))
        self._sent.append(value)
        return account.encode(), value

    def _order(self, account: str) -> Command:
        dice = self._dice
        name: dict[str, Any] = {"command_id": str(UUID(int=dice.getrandbits(128), version=4)), "account_id": account}
        kind = dice.random()
        if kind < 0.5:
            self._opened += 1
            return OpenPosition(
                **name,
                symbol=dice.choice(tuple(MIDS)),
                side=dice.choice(("long", "short")),
                margin=dice.randint(1, 300) * USDC,
                leverage=dice.choice((100, 1_000, 5_000, 10_000)),
            )
        position = position_id(self._shard, dice.randint(1, max(1, self._opened)))
        if kind < 0.75:
            return ClosePosition(**name, position_id=position)
        if kind < 0.85:
            return AmendStops(
                **name, position_id=position, amend_stop_loss=True, stop_loss=13_000, amend_take_profit=False
            )
        if kind < 0.93:
            return Deposit(**name, amount=dice.randint(0, 500) * USDC)
        return Withdraw(**name, amount=dice.randint(1, 50) * USDC)

    def _prices(self, now_us: int, move: int) -> UpdatePrices:
        """One tick of each symbol, so many basis points from where it began."""
        self._ticks += 1
        ticks = tuple(
            Tick(
                symbol=symbol,
                bid=mid + mid * move // 10_000,
                ask=mid + mid * move // 10_000 + max(1, mid // 10_000),
                low=2 * (mid + mid * move // 10_000),
                high=2 * (mid + mid * move // 10_000) + 2 * max(1, mid // 10_000),
                source_time=self._ticks * 600_000,
                update_id=self._ticks,
            )
            for symbol, mid in MIDS.items()
        )
        return UpdatePrices(feed=FEED[0], run=FEED[1], sent_at=now_us, ticks=ticks, alive=())


@cache
def _accounts(shard: int, shards: int) -> tuple[str, ...]:
    dice = random.Random(shard)
    found: list[str] = []
    while len(found) < ACCOUNTS:
        account = str(UUID(int=dice.getrandbits(128), version=4))
        if shard_of(account, shards) == shard:
            found.append(account)
    return tuple(found)


@cache
def _opening(shard: int, shards: int) -> tuple[tuple[bytes | None, bytes], ...]:
    commands: list[Command] = [
        DefineInstruments(
            command_id=broadcast_id(FIRST_BROADCAST, shard),
            shard=shard,
            broadcast=FIRST_BROADCAST,
            instruments=INSTRUMENTS,
        ),
        SelectFeed(name=FEED[0], run=FEED[1], live=False),
        *(
            OpenAccount(command_id=open_account_id(account), account_id=account, first_deposit=2_000 * USDC)
            for account in _accounts(shard, shards)
        ),
    ]
    keys = [getattr(command, "account_id", None) for command in commands]
    return tuple(
        (None if key is None else key.encode(), encode_command(command))
        for key, command in zip(keys, commands, strict=True)
    )
