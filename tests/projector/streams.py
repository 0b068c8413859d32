"""Streams of events as the engine's core makes them, encoded as in `exchange.events`."""

import random
from collections.abc import Sequence
from typing import Final, get_args
from uuid import UUID

from engine.core.laws import broken
from engine.core.state import State, genesis
from engine.core.step import step
from projector.write.chain import ChainEntry, read_entry
from schemas import ids
from schemas.codec import encode_and_chain, first_digest
from schemas.commands import (
    AmendStops,
    ClosePosition,
    Command,
    DefineInstruments,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    SelectFeed,
    SetMarketStatus,
    UpdatePrices,
    Withdraw,
)
from schemas.events import Event
from schemas.instruments import FIRST_BROADCAST, INSTRUMENTS
from schemas.messages import Instrument, Side, Tick
from schemas.sharding import shard_of
from schemas.units import Ticks, Timestamp

USDC: Final = 1_000_000
SECOND: Final = 1_000_000
NOON: Final = 1_767_960_000 * SECOND  # 2026-01-09 12:00:00 UTC
START_PRICES: Final = {"BTC_USDC": 500_000, "ETH_USDC": 300_000, "SOL_USDC": 15_000}
SIDES: Final[tuple[Side, ...]] = get_args(Side)


class Exchange:
    """Every shard of an exchange in this process, all that was sent to it, and all the events it gave."""

    def __init__(self, shards: int = 4) -> None:
        self.states: list[State] = [genesis(shard, shards) for shard in range(shards)]
        self.events: list[list[Event]] = [[] for _ in range(shards)]
        self.values: list[list[bytes]] = [[] for _ in range(shards)]
        self.sent: list[list[tuple[int, Command | None]]] = [[] for _ in range(shards)]  # each with its time
        self._digests = [first_digest(shard) for shard in range(shards)]
        self.time = NOON
        self.source_time = 0
        self.feed = ("simulated", "run-1")

    @property
    def shards(self) -> int:
        return len(self.states)

    def send(self, shard: int, command: Command | None) -> list[Event]:
        """Execute one command in one shard."""
        state = self.states[shard]
        self.sent[shard].append((self.time, command))
        rules = state.rules_version
        events = step(state, command, offset=state.next_offset, time=self.time)
        for event in events:
            value, self._digests[shard] = encode_and_chain(event, self._digests[shard], rules)
            self.values[shard].append(value)
        self.events[shard] += events
        return events

    def ask(self, command: Command) -> list[Event]:
        """Execute a client's command in its account's shard."""
        return self.send(shard_of(getattr(command, "account_id"), self.shards), command)  # noqa: B009

    def open_markets(self) -> None:
        """Define the instruments and confirm a first price of each."""
        self.define(INSTRUMENTS)
        self.select_feed(*self.feed)
        self.tick(START_PRICES)
        self.tick(START_PRICES)

    def define(self, instruments: Sequence[Instrument], broadcast: str = FIRST_BROADCAST) -> None:
        """Let every shard know instruments."""
        for shard in range(self.shards):
            self.send(
                shard,
                DefineInstruments(
                    command_id=ids.broadcast_id(broadcast, shard),
                    shard=shard,
                    broadcast=broadcast,
                    instruments=tuple(instruments),
                ),
            )

    def select_feed(self, name: str, run: str) -> None:
        """Choose whose prices count, in every shard."""
        self.feed = (name, run)
        for shard in range(self.shards):
            self.send(shard, SelectFeed(name=name, run=run, live=False))

    def tick(
        self, bids: dict[str, int], *, spread: int = 2, alive: tuple[str, ...] = (), passing: int = SECOND
    ) -> None:
        """Let time pass, then send prices to every shard; the ask is `spread` ticks above the bid."""
        self.time += passing
        self.source_time += 600_000
        ticks = tuple(
            Tick(
                symbol=symbol,
                bid=Ticks(bid),
                ask=Ticks(bid + spread),
                low=2 * bid + spread - 3,
                high=2 * bid + spread + 4,
                source_time=Timestamp(self.source_time),
                update_id=self.source_time,
            )
            for symbol, bid in bids.items()
        )
        for shard in range(self.shards):
            self.send(
                shard, UpdatePrices(feed=self.feed[0], run=self.feed[1], sent_at=self.time, ticks=ticks, alive=alive)
            )

    def set_status(self, symbol: str, status: str, broadcast: str) -> None:
        """Open, restrict or halt a market in every shard."""
        for shard in range(self.shards):
            self.send(
                shard,
                SetMarketStatus(
                    command_id=ids.broadcast_id(broadcast, shard),
                    shard=shard,
                    broadcast=broadcast,
                    symbol=symbol,
                    status=status,  # type: ignore[arg-type]
                ),
            )

    def open_account(self, account_id: str, first_deposit: int = 5_000 * USDC) -> None:
        self.ask(
            OpenAccount(command_id=ids.open_account_id(account_id), account_id=account_id, first_deposit=first_deposit)
        )

    def entries(self) -> list[ChainEntry]:
        """Give all events as the projector reads them, the shards interleaved."""
        found = [
            read_entry(shard, offset, value)
            for shard, values in enumerate(self.values)
            for offset, value in enumerate(values)
        ]
        return sorted(found, key=lambda each: (each.offset, each.shard))

    def laws_hold(self) -> bool:
        return not any(broken(state) for state in self.states)


def busy_exchange(
    seed: int = 1, *, accounts: int = 40, rounds: int = 150, orders: int = 12, parts: bool = False
) -> Exchange:
    """Play a market in which people open, amend, close, err and are liquidated while prices wander and jump."""
    dice = random.Random(seed)
    exchange = Exchange()
    exchange.open_markets()
    names = [str(UUID(int=dice.getrandbits(128))) for _ in range(accounts)]
    for name in names:
        exchange.open_account(name)
    prices = dict(START_PRICES)
    for number in range(rounds):
        prices = {
            symbol: max(1_000, price * (10_000 + dice.randint(-150, 150)) // 10_000) for symbol, price in prices.items()
        }
        moved = {symbol: price for symbol, price in prices.items() if dice.random() < 0.8}
        exchange.tick(moved, alive=tuple(symbol for symbol in prices if symbol not in moved))
        for order in range(orders):
            exchange.ask(_random_command(dice, exchange, dice.choice(names), f"{seed}-{number}-{order}"))
            if parts and dice.random() < 0.5:
                _close_a_part(dice, exchange, dice.choice(names), f"{seed}-{number}-{order}-part")
        if number % 50 == 20:
            exchange.set_status("SOL_USDC", "halted", f"halt-{number}")
        if number % 50 == 25:
            exchange.set_status("SOL_USDC", "open", f"open-{number}")
    exchange.send(0, None)
    exchange.ask(Deposit(command_id="nobody", account_id=f"{names[0]}-unknown", amount=1))
    assert exchange.laws_hold()
    return exchange


def _close_a_part(dice: random.Random, exchange: Exchange, name: str, command_id: str) -> None:
    own = list(exchange.states[shard_of(name, exchange.shards)].accounts[name].positions.values())
    if not own:
        return
    position = dice.choice(own)
    quantity = max(1, position.quantity * dice.choice((1, 10, 50, 99, 100)) // 100)
    if dice.random() < 0.7:
        exchange.ask(
            ReducePosition(command_id=command_id, account_id=name, position_id=position.position_id, quantity=quantity)
        )
    else:
        exchange.ask(
            ReduceOldest(
                command_id=command_id,
                account_id=name,
                symbol=position.symbol,
                side=position.side,
                leverage=position.leverage,
                quantity=quantity,
            )
        )


def _random_command(dice: random.Random, exchange: Exchange, name: str, command_id: str) -> Command:
    state = exchange.states[shard_of(name, exchange.shards)]
    own = [position.position_id for position in state.positions.values() if position.account_id == name]
    choice = dice.random()
    if own and choice < 0.25:
        return ClosePosition(command_id=command_id, account_id=name, position_id=dice.choice(own))
    if own and choice < 0.35:
        position = state.positions[dice.choice(own)]
        below = position.entry_price * 9 // 10
        return AmendStops(
            command_id=command_id,
            account_id=name,
            position_id=position.position_id,
            amend_stop_loss=position.side == "long",
            stop_loss=below if position.side == "long" else None,
            amend_take_profit=position.side == "short",
            take_profit=below if position.side == "short" else None,
        )
    if choice < 0.40:
        return Deposit(command_id=command_id, account_id=name, amount=dice.randint(0, 500) * USDC)
    if choice < 0.45:
        return Withdraw(command_id=command_id, account_id=name, amount=dice.randint(1, 50) * USDC)
    if choice < 0.48:
        return ClosePosition(command_id="the same id", account_id=name, position_id="9-1")
    return OpenPosition(
        command_id=command_id,
        account_id=name,
        symbol=dice.choice(list(START_PRICES)),
        side=dice.choice(SIDES),
        margin=dice.randint(1, 300) * USDC,
        leverage=dice.choice([100, 1_000, 5_000, 10_000]),
        client_order_id=f"mine-{command_id}" if dice.random() < 0.3 else None,
    )
