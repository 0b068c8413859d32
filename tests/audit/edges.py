"""A log on the edges: fees, odd leverages, levels to the tick, times to the microsecond; a defect of one unit shows."""

from functools import cache

from schemas.codec import encode_command
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
    UpdatePrices,
)
from schemas.instruments import INSTRUMENTS
from schemas.messages import Side, Tick
from schemas.record import replace
from schemas.units import Ticks, Timestamp
from tests.audit.logs import MemoryLog, Scribe

START_MS = 1_767_225_600_000
BTC = "BTC_USDC"
USDC = 10**6
SIDES: tuple[Side, ...] = ("long", "short")


class Writer:
    """Writes one shard on which ada trades BTC; log time goes on by so many milliseconds a command."""

    def __init__(self) -> None:
        self.scribe = Scribe(0, 1)
        self.now_ms = START_MS
        self._ids = 0

    def send(self, command: Command, later_ms: int = 1) -> None:
        self.now_ms += later_ms
        self.scribe.append(encode_command(command), self.now_ms)

    def new_id(self) -> str:
        self._ids += 1
        return f"edge-{self._ids}"

    def tick(self, bid: int, ask: int | None = None, later_ms: int = 600) -> None:
        ask = bid if ask is None else ask
        now = (self.now_ms + later_ms) * 1_000
        tick = Tick(
            symbol=BTC,
            bid=Ticks(bid),
            ask=Ticks(ask),
            low=bid + ask,
            high=bid + ask,
            source_time=Timestamp(now),
            update_id=0,
        )
        command = UpdatePrices(feed="simulated", run="run-1", sent_at=now, ticks=(tick,), alive=())
        self.send(command, later_ms)

    def open(
        self,
        side: Side,
        leverage: int,
        *,
        margin: int | None = None,
        quantity: int | None = None,
        stop_loss: int | None = None,
        take_profit: int | None = None,
    ) -> str:
        """Open a position; its name."""
        name = f"0-{self.scribe.state.next_position}"
        self.send(
            OpenPosition(
                command_id=self.new_id(),
                account_id="ada",
                symbol=BTC,
                side=side,
                margin=margin,
                quantity=quantity,
                leverage=leverage,
                stop_loss=stop_loss,
                take_profit=take_profit,
            )
        )
        return name

    def close(self, name: str) -> None:
        self.send(ClosePosition(command_id=self.new_id(), account_id="ada", position_id=name))

    def reduce(self, name: str, quantity: int) -> None:
        self.send(ReducePosition(command_id=self.new_id(), account_id="ada", position_id=name, quantity=quantity))

    def reduce_oldest(self, side: Side, leverage: int, quantity: int) -> None:
        self.send(
            ReduceOldest(
                command_id=self.new_id(), account_id="ada", symbol=BTC, side=side, leverage=leverage, quantity=quantity
            )
        )

    def begin(self, fee_rate: int = 700) -> None:
        instruments = tuple(replace(instrument, fee_rate=fee_rate) for instrument in INSTRUMENTS)
        self.send(DefineInstruments(command_id="i", shard=0, broadcast="i", instruments=instruments))
        self.send(SelectFeed(name="simulated", run="run-1", live=False))
        self.send(OpenAccount(command_id="o", account_id="ada", first_deposit=50_000 * USDC))
        self.tick(500_000)
        self.tick(500_000)


def write_edges() -> MemoryLog:
    """Write the log with the core as it is now, be it sound or not."""
    writer = Writer()
    writer.begin()
    # Roundings: by quantity at 3x, by margin at 7x, fees of odd notionals.
    for name in (writer.open("long", 300, quantity=1), writer.open("short", 700, margin=333_333_333)):
        writer.tick(500_007)
        writer.close(name)
    # Parts: a share of the margin with a remainder, and less than the share where the rest needs it; the oldest of two.
    for side in SIDES:
        gain = 1_000 if side == "long" else -1_000
        name = writer.open(side, 700, margin=333_333_337)
        for move in (gain, -gain):
            writer.tick(500_007 + move)
            writer.reduce(name, 1_000)
        writer.close(name)
        writer.tick(500_007)
        for quantity in (7, 5):
            writer.open(side, 300, quantity=quantity)
        for quantity in (9, 4, 3):
            writer.reduce_oldest(side, 300, quantity)
    # A stop on the wrong side of the price is refused.
    writer.open("long", 100, margin=USDC, stop_loss=500_007)
    # Stops and takes, a tick before and at the level; several in one command, not in the order of their age.
    writer.open("long", 1_000, margin=10 * USDC, stop_loss=499_900, take_profit=500_200)
    writer.open("short", 1_000, margin=10 * USDC, stop_loss=500_100, take_profit=499_800)
    for price in (499_901, 499_900, 500_099, 500_100):
        writer.tick(price)
    for stop in (499_000, 499_500, 499_200):
        writer.open("long", 500, margin=10 * USDC, stop_loss=stop)
    writer.tick(498_900)
    # Liquidations at the very tick, and a tick before it; with an odd notional, so that the requirement is rounded.
    writer.tick(500_000)
    for side in SIDES:
        writer.open(side, 5_000, margin=100_000_037)
        level = _liquidation_price(writer)
        toward = 1 if side == "long" else -1
        for price in (level + toward, level):
            _walk(writer, price)
        _walk(writer, 500_000)
    # At 2x the floor decides, and at 26,250.0 equity is the requirement to the last micro.
    writer.send(Deposit(command_id=writer.new_id(), account_id="ada", amount=1_000 * USDC))
    writer.open("long", 200, quantity=400)
    name = writer.open("long", 200, quantity=400)
    for price in (262_501, 262_500):
        _walk(writer, price)
    writer.close(name)
    _walk(writer, 262_499)
    # A price of exactly five seconds is stale.
    _walk(writer, 300_000)
    name = writer.open("long", 100, margin=10 * USDC)
    writer.send(
        AmendStops(
            command_id=writer.new_id(),
            account_id="ada",
            position_id=name,
            amend_stop_loss=True,
            stop_loss=200_000,
            amend_take_profit=False,
        ),
        later_ms=4_998,
    )
    writer.close(name)
    # A gap beyond the margin: INSURANCE pays as far as it goes.
    writer.tick(300_000)
    writer.tick(300_000)
    writer.open("long", 10_000, margin=50 * USDC)
    _walk(writer, 290_000, steps=1)
    writer.scribe.snapshot()
    return MemoryLog([writer.scribe.part], "the log on the edges")


@cache
def edge_log() -> MemoryLog:
    """The same, by the sound core. Shared."""
    return write_edges()


def _liquidation_price(writer: Writer) -> int:
    price = list(writer.scribe.state.positions.values())[-1].liquidation_price
    assert price is not None
    return price


def _walk(writer: Writer, price: int, steps: int = 12) -> None:
    """Come to a price in moves that are no jumps."""
    quote = writer.scribe.state.markets[BTC].quote
    assert quote is not None
    for step in range(1, steps + 1):
        writer.tick(quote.bid + (price - quote.bid) * step // steps)
