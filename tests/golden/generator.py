"""The recorded logs, made from a seed: market days of a few people, with jumps, halts, stops and refused commands.

`python -m tests.golden.generator NAME` adds one of that name, with a snapshot; one that is there never changes.

Longer than 300 lines because a later day does what the days before it do, and more.
"""

import json
import sys
from base64 import b64encode
from pathlib import Path
from random import Random

from engine.core.state import State, genesis
from engine.core.step import step
from engine.snapshot.copy_on_write import begin_copy, end_copy
from schemas.codec import encode_command
from schemas.commands import (
    AcceptOffsetGap,
    ActivateRules,
    AmendStops,
    ClientCommand,
    CloseAll,
    ClosePosition,
    Command,
    DefineInstruments,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    SelectFeed,
    SetAccountLimits,
    SetClock,
    SetMarketStatus,
    UpdatePrices,
    Withdraw,
)
from schemas.ids import broadcast_id, open_account_id
from schemas.instruments import BY_SYMBOL, FIRST_BROADCAST, INSTRUMENTS
from schemas.messages import AliveMark, Tick
from schemas.record import replace
from schemas.units import Ppm, Ticks, Timestamp
from tests.golden.replay import replay, summary_of
from tests.replaying import Replay

FOLDER = Path(__file__).parent
SEED = 3
COMMANDS = 700
START = 1_767_225_600_000_000
# What was recorded when instruments began with a spread of 1 %.
WIDE = tuple(replace(instrument, spread_max=Ppm(10_000)) for instrument in INSTRUMENTS)
PEOPLE = ("ada", "ben", "cleo", "dan")
PRICES = {"BTC_USDC": 500_000, "ETH_USDC": 250_000, "SOL_USDC": 12_500}


class Day:
    """What is sent, and the ledger it leads to, so that people can act on what they see."""

    def __init__(self) -> None:
        self.random = Random(SEED)
        self.time = START
        self.state: State = genesis(0, 1)
        self.lines: list[str] = []
        self.feed = SelectFeed(name="simulated", run="day-1", live=False)
        self.prices = dict(PRICES)
        self.count = 0
        self.last: Command | None = None  # of a client

    def send(self, command: Command | None) -> None:
        """Append a command, or bytes that are none."""
        value = encode_command(command) if command is not None else self.random.randbytes(20)
        step(self.state, command, offset=self.state.next_offset, time=self.time)
        self.lines.append(f"{self.time} {b64encode(value).decode()}")
        if isinstance(command, ClientCommand):
            self.last = command

    def new_id(self) -> str:
        """Give a command id."""
        self.count += 1
        return f"c-{self.count}"

    def begin(self) -> None:
        """Instruments, a feed, accounts."""
        self.send(
            DefineInstruments(
                command_id=broadcast_id(FIRST_BROADCAST, 0),
                shard=0,
                broadcast=FIRST_BROADCAST,
                instruments=WIDE,
            )
        )
        self.send(self.feed)
        for who in PEOPLE:
            self.send(OpenAccount(command_id=open_account_id(who), account_id=who, first_deposit=5_000_000_000))

    def tick(self) -> None:
        """All prices a little further, now and then one of them a lot; sometimes nonsense."""
        ticks, alive = [], []
        for symbol, price in self.prices.items():
            if self.random.random() < 0.2:
                alive.append(symbol)
                continue
            bps = self.random.choice((-2_500, 1_800)) if self.random.random() < 0.01 else self.random.randint(-120, 120)
            bid = max(100, price * (10_000 + bps) // 10_000)
            self.prices[symbol] = bid
            ask = bid + self.random.choice((0, 1, 3, bid // 1_000))
            if self.random.random() < 0.02:
                bid, ask = self.random.choice(((0, ask), (ask + 1, bid), (bid, bid + bid // 50)))
            ticks.append(
                Tick(
                    symbol=symbol,
                    bid=Ticks(bid),
                    ask=Ticks(ask),
                    low=bid + ask - 2,
                    high=bid + ask + 3,
                    source_time=Timestamp(self.time - 20_000),
                    update_id=len(self.lines),
                )
            )
        drift = 3_000_000 if self.random.random() < 0.02 else 5_000
        self.send(
            UpdatePrices(
                feed=self.feed.name,
                run=self.feed.run,
                sent_at=self.time - drift,
                ticks=tuple(ticks),
                alive=tuple(alive),
            )
        )

    def trade(self) -> None:
        """Send a random command of a random account."""
        who = self.random.choice(PEOPLE)
        number = f"0-{self.random.randint(1, self.state.next_position)}"
        if self.state.positions and self.random.random() < 0.7:
            number = self.random.choice(sorted(self.state.positions))
            who = self.state.positions[number].account_id
        match self.random.randint(0, 13):
            case 0:
                amount = self.random.randint(-1, 10**9)
                self.send(Deposit(command_id=self.new_id(), account_id=who, amount=amount))
            case 1:
                amount = self.random.randint(0, 10**9)
                self.send(Withdraw(command_id=f"c-{self.random.randint(1, 300)}", account_id=who, amount=amount))
            case 2 | 3:
                self.send(ClosePosition(command_id=self.new_id(), account_id=who, position_id=number))
            case 4:
                self.send(self.last)
            case 5 | 6:
                price = self.price_of(number) * self.random.randint(95, 105) // 100
                self.send(
                    AmendStops(
                        command_id=self.new_id(),
                        account_id=who,
                        position_id=number,
                        amend_stop_loss=True,
                        stop_loss=self.random.choice((None, price)),
                        amend_take_profit=self.random.random() < 0.3,
                    )
                )
            case _:
                self.send(self.order(who))

    def price_of(self, number: str) -> int:
        """Give the price of a position's symbol."""
        position = self.state.positions.get(number)
        return self.prices["BTC_USDC" if position is None else position.symbol]

    def order(self, who: str) -> OpenPosition:
        """Give an order, by margin or by quantity, with or without stops."""
        symbol = self.random.choice(tuple(PRICES))
        price = self.prices[symbol]
        long = self.random.random() < 0.5
        leverage = self.random.choice((100, 250, 1_000, 5_000, 10_000))
        margin = self.random.randint(10**6, 5 * 10**8)
        lots = margin * leverage // (100 * price * BY_SYMBOL[symbol].tick_value)
        by_margin = self.random.random() < 0.5
        below, above = price * 98 // 100, price * 102 // 100
        return OpenPosition(
            command_id=self.new_id(),
            account_id=who,
            deadline=self.time + self.random.choice((-1, 10_000_000, 10_000_000, 400_000_000)),
            symbol=symbol,
            side="long" if long else "short",
            margin=margin if by_margin else None,
            quantity=None if by_margin else lots,
            leverage=leverage,
            expected_price=self.random.choice((None, price)),
            stop_loss=self.random.choice((None, below if long else above)),
            take_profit=self.random.choice((None, above if long else below)),
            client_order_id=self.random.choice((None, f"mine-{self.count}")),
        )

    def operate(self) -> None:
        """A halt, a change of feed, a quiet spell, or bytes that are no command."""
        match self.random.randint(0, 3):
            case 0:
                self.send(
                    SetMarketStatus(
                        command_id=self.new_id(),
                        shard=0,
                        broadcast=f"b-{self.count}",
                        symbol=self.random.choice(tuple(PRICES)),
                        status=self.random.choice(("open", "open", "open", "close_only", "halted")),
                    )
                )
            case 1:
                if self.random.random() < 0.3:
                    self.feed = SelectFeed(name="simulated", run=f"day-{len(self.lines)}", live=False)
                self.send(self.feed)
            case 2:
                self.time += self.random.choice((6, 60, 700)) * 1_000_000
            case _:
                self.send(None)

    def run(self) -> None:
        """A day."""
        self.begin()
        while len(self.lines) < COMMANDS:
            self.time += self.random.randint(50_000, 450_000)
            chance = self.random.random()
            if chance < 0.45:
                self.tick()
            elif chance < 0.96:
                self.trade()
            else:
                self.operate()


class DayOfParts(Day):
    """A day on which people close parts of their positions, too, and pay fees."""

    def begin(self) -> None:
        """As any day, with a fee from then on."""
        super().begin()
        instruments = tuple(replace(instrument, fee_rate=700) for instrument in WIDE)
        self.send(DefineInstruments(command_id="fees", shard=0, broadcast="fees", instruments=instruments))

    def trade(self) -> None:
        """Close a part of a random position, or send another command."""
        if not self.state.positions or self.random.random() < 0.7:
            super().trade()
            return
        position = self.state.positions[self.random.choice(sorted(self.state.positions))]
        quantity = position.quantity * self.random.choice((1, 10, 33, 50, 99, 100, 101)) // 100
        if self.random.random() < 0.7:
            self.send(
                ReducePosition(
                    command_id=self.new_id(),
                    account_id=position.account_id,
                    position_id=position.position_id,
                    quantity=quantity,
                )
            )
            return
        self.send(
            ReduceOldest(
                command_id=self.new_id(),
                account_id=position.account_id,
                symbol=position.symbol,
                side=position.side,
                leverage=position.leverage,
                quantity=quantity * 2,
            )
        )


class DayOfVersionTwo(DayOfParts):
    """A day of a ledger born under version 2: marks name ticks, the clock goes wrong and is mended, all is closed."""

    def begin(self) -> None:
        """The rules before all else; a least age of prices, and an instrument more."""
        self.send(ActivateRules(command_id=broadcast_id("rules-2", 0), shard=0, broadcast="rules-2", version=2))
        super().begin()
        more = replace(BY_SYMBOL["SOL_USDC"], symbol="DOGE_USDC", open_age_max=5_000_000)
        patient = replace(BY_SYMBOL["ETH_USDC"], fee_rate=700, open_age_max=1_000_000)
        self.send(
            AcceptOffsetGap(
                command_id="gap", shard=0, broadcast="gap", first_offset=0, last_offset=self.state.next_offset - 1
            )
        )
        for name, instrument in (("doge", more), ("patient", patient), ("wrong", replace(more, tick_value=1))):
            self.send(DefineInstruments(command_id=name, shard=0, broadcast=name, instruments=(instrument,)))

    def send(self, command: Command | None) -> None:
        """Append a command; what the feed heard, it vouches for by the last tick, or now and then wrongly."""
        if isinstance(command, UpdatePrices) and command.alive and self.random.random() < 0.9:
            marks = tuple(mark for symbol in command.alive if (mark := self.mark(symbol)) is not None)
            command = replace(command, marks=marks, alive=())
        super().send(command)

    def mark(self, symbol: str) -> AliveMark | None:
        """Name the last accepted tick, or another."""
        quote = self.state.markets[symbol].quote
        if quote is None:
            return None
        other = self.random.choice((0, 0, 0, 0, 1))
        return AliveMark(symbol=symbol, source_time=quote.source_time, update_id=quote.update_id + other)

    def trade(self) -> None:
        """Close all of an account or of a symbol, or send another command."""
        if self.random.random() > 0.06:
            super().trade()
            return
        who = self.random.choice(PEOPLE)
        symbol = self.random.choice((None, None, *PRICES))
        self.send(CloseAll(command_id=self.new_id(), account_id=who, symbol=symbol))

    def operate(self) -> None:
        """Limit the accounts, let the clock go wrong and mend it, or what is done on any day."""
        chance = self.random.random()
        if chance < 0.25:
            most = self.random.choice((0, 2, 4, 500))
            name = f"limits-{len(self.lines)}"
            self.send(SetAccountLimits(command_id=name, shard=0, broadcast=name, positions_max=most))
        elif chance < 0.5:
            ahead = self.random.choice((3, 900)) * 1_000_000
            self.time += ahead
            self.tick()
            self.trade()
            self.time -= ahead
            self.trade()
            name = f"clock-{len(self.lines)}"
            self.send(SetClock(command_id=name, shard=0, broadcast=name))
            self.feed = SelectFeed(name="simulated", run=f"day-{len(self.lines)}", live=False)
            self.send(self.feed)
        else:
            super().operate()


DAYS = {"parts": DayOfParts, "version-2": DayOfVersionTwo}
SNAPSHOT_AT = 350


def main() -> None:
    """Write a log, and what it must replay to."""
    name = sys.argv[1]
    assert not (FOLDER / f"{name}-commands.txt").exists(), "a recorded log never changes"
    day = DAYS[name]()
    day.run()
    (FOLDER / f"{name}-commands.txt").write_text("\n".join(day.lines) + "\n")
    result: Replay = replay(day.lines)
    (FOLDER / f"{name}-expected.json").write_text(json.dumps(summary_of(result), indent=2) + "\n")
    state = replay(day.lines[:SNAPSHOT_AT]).state
    copy = begin_copy(state)
    pages = [b64encode(page).decode() for page in iter(copy.next_page, None)]
    end_copy(state)
    (FOLDER / f"{name}-snapshot.txt").write_text("\n".join(pages) + "\n")


if __name__ == "__main__":
    main()
