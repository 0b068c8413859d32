"""The commands and prices of one run: in order, twice, broken, at any time."""

import random
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args
from uuid import UUID

from bench._workload import first_instruments
from schemas.codec import encode_command
from schemas.commands import (
    AmendStops,
    CloseAll,
    ClosePosition,
    Command,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    SelectFeed,
    SetAccountLimits,
    SetClock,
    UpdatePrices,
    Withdraw,
)
from schemas.ids import open_account_id, position_id
from schemas.messages import AliveMark, Side, Tick
from schemas.sharding import shard_of
from schemas.units import Ticks, Timestamp
from tests.activating import activate

FEED: Final = ("simulated", "run-1")
MIDS: Final = {"BTC_USDC": 500_000, "ETH_USDC": 300_000, "SOL_USDC": 15_000}  # ticks
USDC: Final = 1_000_000
ACCOUNTS: Final = 4
LEVERAGES: Final = (100, 1_000, 5_000, 10_000)
SIDES: Final[tuple[Side, ...]] = ("long", "short")

Order = OpenPosition | ReducePosition | ReduceOldest | ClosePosition | CloseAll | AmendStops | Deposit | Withdraw

# By which rules a run's log goes: those of one version, or of the first and, after some commands, of the next.
Course = Literal["first", "second", "activating"]
COURSES: Final[tuple[Course, ...]] = get_args(Course)
ACTIVATES_AFTER: Final = 12  # commands


class Sent(NamedTuple):
    """A record of the commands topic, and the shard it is for."""

    shard: int
    key: bytes | None
    value: bytes


class Opening(NamedTuple):
    """A requested position; no sender knows whether it was opened."""

    account: str
    symbol: str
    side: Side
    leverage: int


class Load:
    """The senders of one shard."""

    def __init__(self, dice: random.Random, shard: int, shards: int, course: Course) -> None:
        self._dice = dice
        self._shard = shard
        self._shards = shards
        self._accounts = _accounts(shard, shards)
        self._sent: list[tuple[bytes, bytes]] = []
        self._ticks = 0
        self._openings: list[Opening] = []
        self._reduction: ReducePosition | None = None
        self.is_second = course == "second"  # rules in force, as far as the senders know
        self._until_activation = ACTIVATES_AFTER if course == "activating" else None

    def opening(self, now_us: int) -> list[tuple[bytes | None, bytes]]:
        """What must come first: instruments, a feed, confirmed prices, accounts with money."""
        prices = [self._prices(now_us, 0) for _ in range(2)]
        first = [(None, encode_command(activate(shard=self._shard)))] if self.is_second else []
        return [*first, *_opening(self._shard, self._shards), *((None, encode_command(each)) for each in prices)]

    def next(self, now_us: int, *, everywhere: bool) -> list[Sent]:
        """Give one record, or a broadcast: one for every shard. everywhere: whether all shards know of those."""
        if self._until_activation is not None:
            self._until_activation -= 1
            if self._until_activation == 0:
                self._until_activation, self.is_second = None, True
                return [Sent(self._shard, None, encode_command(activate(shard=self._shard)))]
        if self.is_second and self._dice.random() < 0.15:
            return self._of_the_second(now_us, everywhere=everywhere)
        return [Sent(self._shard, *self._of_any(now_us))]

    def _of_any(self, now_us: int) -> tuple[bytes | None, bytes]:
        dice = self._dice
        choice = dice.random()
        account = dice.choice(self._accounts)
        if choice < 0.04:
            return None, dice.choice((b"", b"no command", b"\xc3\x01" + dice.randbytes(12)))
        if self._sent and choice < 0.14:  # A sender that had no answer asks again.
            return dice.choice(self._sent)
        if choice < 0.40:
            # Now and then a jump that liquidates positions of high leverage.
            return None, encode_command(self._prices(now_us, dice.choice((0, 1, -2, 3, 90, -90, 400, -400))))
        order = self._order(account)
        self._sent.append((order.account_id.encode(), encode_command(order)))
        return self._sent[-1]

    def _of_the_second(self, now_us: int, *, everywhere: bool) -> list[Sent]:
        """Give what version 2 of the rules brought: a mark, a close of all, a broadcast."""
        dice = self._dice
        name = str(UUID(int=dice.getrandbits(128), version=4))
        broadcasts = ("limits", "clock") if everywhere else ()
        match dice.choice(("mark", "mark", "mark", "all", "all", *broadcasts)):
            case "all":
                account = dice.choice(self._accounts)
                closing = CloseAll(command_id=name, account_id=account, symbol=dice.choice((None, *MIDS)))
                self._sent.append((account.encode(), encode_command(closing)))
                return [Sent(self._shard, *self._sent[-1])]
            case "limits":
                most = dice.choice((1, 3, 500))
                return self._broadcast(SetAccountLimits, command_id=name, broadcast=name, positions_max=most)
            case "clock":
                return self._broadcast(SetClock, command_id=name, broadcast=name)
            case _:
                return [Sent(self._shard, None, encode_command(self._marks(now_us, dice.choice((0, 0, 0, 1)))))]

    def _broadcast(self, kind: type[SetAccountLimits] | type[SetClock], **fields: Any) -> list[Sent]:
        return [Sent(shard, None, encode_command(kind(shard=shard, **fields))) for shard in range(self._shards)]

    def _marks(self, now_us: int, behind: int) -> UpdatePrices:
        """Vouch for the last tick of each symbol, or for one before it."""
        number = self._ticks - behind
        marks = tuple(
            AliveMark(symbol=symbol, source_time=Timestamp(number * 600_000), update_id=number) for symbol in MIDS
        )
        return UpdatePrices(feed=FEED[0], run=FEED[1], sent_at=now_us, ticks=(), alive=(), marks=marks)

    def _order(self, account: str) -> Order:
        dice = self._dice
        name: dict[str, Any] = {"command_id": str(UUID(int=dice.getrandbits(128), version=4)), "account_id": account}
        kind = dice.random()
        if kind < 0.4 or not self._openings:
            opening = Opening(account, dice.choice(tuple(MIDS)), dice.choice(SIDES), dice.choice(LEVERAGES))
            self._openings.append(opening)
            return OpenPosition(
                **name,
                symbol=opening.symbol,
                side=opening.side,
                margin=dice.randint(1, 300) * USDC,
                leverage=opening.leverage,
            )
        if kind < 0.68:
            return self._reducing(account, name["command_id"])
        position = position_id(self._shard, dice.randint(1, len(self._openings)))
        if kind < 0.78:
            return ClosePosition(**name, position_id=position)
        if kind < 0.86:
            return AmendStops(
                **name, position_id=position, amend_stop_loss=True, stop_loss=13_000, amend_take_profit=False
            )
        if kind < 0.93:
            return Deposit(**name, amount=dice.randint(0, 500) * USDC)
        return Withdraw(**name, amount=dice.randint(1, 50) * USDC)

    def _reducing(self, account: str, command_id: str) -> Order:
        """Close a part: of a position or of the oldest of a kind, mostly one's own, at times more than there is.

        What was just reduced is often closed, or reduced again, at times under the id of the command before.
        """
        dice, before = self._dice, self._reduction
        number = dice.randint(max(1, len(self._openings) - 9), len(self._openings))
        opening = self._openings[number - 1]
        quantity = dice.choice((0, 1, 10, 100, 100, 1_000, 10_000)) * dice.randint(1, 9)
        if dice.random() < 0.9:
            account = opening.account
        match dice.choice(("part", "part", "oldest", "oldest", "after", "after")):
            case "oldest":
                return ReduceOldest(
                    command_id=command_id,
                    account_id=account,
                    symbol=opening.symbol,
                    side=opening.side,
                    leverage=opening.leverage,
                    quantity=quantity,
                )
            case "after" if before is not None and dice.random() < 0.6:
                return ClosePosition(
                    command_id=command_id, account_id=before.account_id, position_id=before.position_id
                )
            case "after" if before is not None:
                return ReducePosition(
                    command_id=dice.choice((command_id, before.command_id)),
                    account_id=before.account_id,
                    position_id=before.position_id,
                    quantity=quantity,
                )
            case _:
                self._reduction = ReducePosition(
                    command_id=command_id,
                    account_id=account,
                    position_id=position_id(self._shard, number),
                    quantity=quantity,
                )
                return self._reduction

    def _prices(self, now_us: int, move: int) -> UpdatePrices:
        """One tick of each symbol, so many basis points from where it began."""
        self._ticks += 1
        ticks = tuple(
            Tick(
                symbol=symbol,
                bid=Ticks(mid + mid * move // 10_000),
                ask=Ticks(mid + mid * move // 10_000 + max(1, mid // 10_000)),
                low=2 * (mid + mid * move // 10_000),
                high=2 * (mid + mid * move // 10_000) + 2 * max(1, mid // 10_000),
                source_time=Timestamp(self._ticks * 600_000),
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
        first_instruments(shard),
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
