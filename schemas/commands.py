"""What may be asked of the exchange; each command is one record of `exchange.commands`.

Fields are explained in `schemas/avro`, with their units. The usual ones: money in micros,
prices in ticks, quantities in lots, rates in ppm, leverage in hundredths, times in µs UTC.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

from typing import ClassVar, Final

from schemas.messages import AliveMark, Instrument, MarketStatus, Side, Tick
from schemas.record import Record


class ClientCommand(Record):
    """Asked for one account, whose id is the record's key. The deadline bounds when it may be appended."""

    FIELDS: ClassVar[tuple[str, ...]] = ("command_id", "account_id", "deadline")
    OPTIONAL: ClassVar[tuple[str, ...]] = ("deadline",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int | None = None) -> None:
        self.command_id: Final = command_id
        self.account_id: Final = account_id
        self.deadline: Final = deadline


class OpenAccount(ClientCommand):
    """Open an account with its first money."""

    FIELDS: ClassVar[tuple[str, ...]] = ("first_deposit",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int | None = None, first_deposit: int) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.first_deposit: Final = first_deposit


class Deposit(ClientCommand):
    """Bring money in."""

    FIELDS: ClassVar[tuple[str, ...]] = ("amount",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int | None = None, amount: int) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.amount: Final = amount


class Withdraw(ClientCommand):
    """Take free money out."""

    FIELDS: ClassVar[tuple[str, ...]] = ("amount",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int | None = None, amount: int) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.amount: Final = amount


class OpenPosition(ClientCommand):
    """Open a position at the server's price; exactly one of margin and quantity."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "symbol",
        "side",
        "margin",
        "quantity",
        "leverage",
        "expected_price",
        "slippage_bps",
        "stop_loss",
        "take_profit",
        "client_order_id",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = (
        "margin",
        "quantity",
        "expected_price",
        "slippage_bps",
        "stop_loss",
        "take_profit",
        "client_order_id",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        command_id: str,
        account_id: str,
        deadline: int | None = None,
        symbol: str,
        side: Side,
        margin: int | None = None,
        quantity: int | None = None,
        leverage: int,
        expected_price: int | None = None,
        slippage_bps: int | None = None,
        stop_loss: int | None = None,
        take_profit: int | None = None,
        client_order_id: str | None = None,
    ) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.symbol: Final = symbol
        self.side: Final = side
        self.margin: Final = margin
        self.quantity: Final = quantity
        self.leverage: Final = leverage
        self.expected_price: Final = expected_price
        self.slippage_bps: Final = slippage_bps
        self.stop_loss: Final = stop_loss
        self.take_profit: Final = take_profit
        self.client_order_id: Final = client_order_id


class ClosePosition(ClientCommand):
    """Close a position whole."""

    FIELDS: ClassVar[tuple[str, ...]] = ("position_id",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int | None = None, position_id: str) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.position_id: Final = position_id


class ReducePosition(ClientCommand):
    """Close a part of a position."""

    FIELDS: ClassVar[tuple[str, ...]] = ("position_id", "quantity")
    __slots__ = FIELDS

    def __init__(
        self, *, command_id: str, account_id: str, deadline: int | None = None, position_id: str, quantity: int
    ) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.position_id: Final = position_id
        self.quantity: Final = quantity


class ReduceOldest(ClientCommand):
    """Close lots of the account's oldest positions of a kind, all of them or none."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "side", "leverage", "quantity")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        command_id: str,
        account_id: str,
        deadline: int | None = None,
        symbol: str,
        side: Side,
        leverage: int,
        quantity: int,
    ) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.symbol: Final = symbol
        self.side: Final = side
        self.leverage: Final = leverage
        self.quantity: Final = quantity


class CloseAll(ClientCommand):
    """Close every open position of the account, or those of one symbol, as far as their markets let them."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol",)
    OPTIONAL: ClassVar[tuple[str, ...]] = ("symbol",)
    __slots__ = FIELDS

    def __init__(
        self, *, command_id: str, account_id: str, deadline: int | None = None, symbol: str | None = None
    ) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.symbol: Final = symbol


class AmendStops(ClientCommand):
    """Set or take off the stop loss, the take profit, or both."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "position_id",
        "amend_stop_loss",
        "stop_loss",
        "amend_take_profit",
        "take_profit",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("stop_loss", "take_profit")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        command_id: str,
        account_id: str,
        deadline: int | None = None,
        position_id: str,
        amend_stop_loss: bool,
        stop_loss: int | None = None,
        amend_take_profit: bool,
        take_profit: int | None = None,
    ) -> None:
        super().__init__(command_id=command_id, account_id=account_id, deadline=deadline)
        self.position_id: Final = position_id
        self.amend_stop_loss: Final = amend_stop_loss
        self.stop_loss: Final = stop_loss
        self.amend_take_profit: Final = amend_take_profit
        self.take_profit: Final = take_profit


class Broadcast(Record):
    """Sent once into every shard, with id uuid5(broadcast, shard)."""

    FIELDS: ClassVar[tuple[str, ...]] = ("command_id", "shard", "broadcast")
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, shard: int, broadcast: str) -> None:
        self.command_id: Final = command_id
        self.shard: Final = shard
        self.broadcast: Final = broadcast


class DefineInstruments(Broadcast):
    """Add instruments, or change what may change of them: all but tick, lot and tick_value."""

    FIELDS: ClassVar[tuple[str, ...]] = ("instruments",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, shard: int, broadcast: str, instruments: tuple[Instrument, ...]) -> None:
        super().__init__(command_id=command_id, shard=shard, broadcast=broadcast)
        self.instruments: Final = instruments


class SetMarketStatus(Broadcast):
    """Open, restrict or halt a market."""

    FIELDS: ClassVar[tuple[str, ...]] = ("symbol", "status")
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, shard: int, broadcast: str, symbol: str, status: MarketStatus) -> None:
        super().__init__(command_id=command_id, shard=shard, broadcast=broadcast)
        self.symbol: Final = symbol
        self.status: Final = status


class ActivateRules(Broadcast):
    """Go on by the next version of the rules; events are written with its schemas from then on."""

    FIELDS: ClassVar[tuple[str, ...]] = ("version",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, shard: int, broadcast: str, version: int) -> None:
        super().__init__(command_id=command_id, shard=shard, broadcast=broadcast)
        self.version: Final = version


class SetClock(Broadcast):
    """Let log time be this command's own append time, also where that is before the time of the log."""

    FIELDS: ClassVar[tuple[str, ...]] = ()
    __slots__ = FIELDS


class SetAccountLimits(Broadcast):
    """Set what holds for every account, whatever the instrument."""

    FIELDS: ClassVar[tuple[str, ...]] = ("positions_max",)
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, shard: int, broadcast: str, positions_max: int) -> None:
        super().__init__(command_id=command_id, shard=shard, broadcast=broadcast)
        self.positions_max: Final = positions_max


class AcceptOffsetGap(Broadcast):
    """Let the ledger go on over offsets before this command that hold no record: an operator looked at why."""

    FIELDS: ClassVar[tuple[str, ...]] = ("first_offset", "last_offset")
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, shard: int, broadcast: str, first_offset: int, last_offset: int) -> None:
        super().__init__(command_id=command_id, shard=shard, broadcast=broadcast)
        self.first_offset: Final = first_offset
        self.last_offset: Final = last_offset


class SelectFeed(Record):
    """Say whose prices count from here on."""

    FIELDS: ClassVar[tuple[str, ...]] = ("name", "run", "live")
    __slots__ = FIELDS

    def __init__(self, *, name: str, run: str, live: bool) -> None:
        self.name: Final = name
        self.run: Final = run
        self.live: Final = live


class UpdatePrices(Record):
    """What a feed saw: new ticks, and symbols heard without one."""

    FIELDS: ClassVar[tuple[str, ...]] = ("feed", "run", "sent_at", "ticks", "alive", "marks")
    OPTIONAL: ClassVar[tuple[str, ...]] = ("marks",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        feed: str,
        run: str,
        sent_at: int,
        ticks: tuple[Tick, ...],
        alive: tuple[str, ...],
        marks: tuple[AliveMark, ...] | None = None,
    ) -> None:
        self.feed: Final = feed
        self.run: Final = run
        self.sent_at: Final = sent_at
        self.ticks: Final = ticks
        self.alive: Final = alive
        self.marks: Final = marks


AccountCommand = (
    OpenAccount
    | Deposit
    | Withdraw
    | OpenPosition
    | ClosePosition
    | ReducePosition
    | ReduceOldest
    | CloseAll
    | AmendStops
)

Command = (
    AccountCommand
    | DefineInstruments
    | SetMarketStatus
    | ActivateRules
    | SetClock
    | SetAccountLimits
    | AcceptOffsetGap
    | SelectFeed
    | UpdatePrices
)
