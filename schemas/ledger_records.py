"""What a ledger consists of: accounts, open positions, markets, what was remembered; and a snapshot's pages.

Prices in ticks, quantities in lots, money in micros.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

from typing import ClassVar, Final

from schemas.messages import Instrument, MarketStatus, Side
from schemas.record import Record
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp


class Remembered(Record):
    """A command id that was decided: where, when, and on which content."""

    FIELDS: ClassVar[tuple[str, ...]] = ("offset", "time", "content")
    __slots__ = FIELDS

    def __init__(self, *, offset: int, time: Timestamp, content: bytes) -> None:
        self.offset: Final = offset
        self.time: Final = time
        self.content: Final = content


class Position(Record):
    """An open position, with the rates it was opened under."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "position_id",
        "number",
        "account_id",
        "symbol",
        "side",
        "quantity",
        "entry_price",
        "entry_notional",
        "margin",
        "leverage",
        "fee_rate",
        "maintenance_rate",
        "margin_floor_rate",
        "liquidation_fee_rate",
        "liquidation_price",
        "stop_loss",
        "take_profit",
        "opened_at",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("liquidation_price", "stop_loss", "take_profit")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        position_id: str,
        number: int,
        account_id: str,
        symbol: str,
        side: Side,
        quantity: Lots,
        entry_price: Ticks,
        entry_notional: Micros,
        margin: Micros,
        leverage: Hundredths,
        fee_rate: Ppm,
        maintenance_rate: Ppm,
        margin_floor_rate: Ppm,
        liquidation_fee_rate: Ppm,
        liquidation_price: Ticks | None = None,
        stop_loss: Ticks | None = None,
        take_profit: Ticks | None = None,
        opened_at: Timestamp,
    ) -> None:
        self.position_id = position_id
        self.number = number
        self.account_id = account_id
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.entry_price = entry_price
        self.entry_notional = entry_notional
        self.margin = margin
        self.leverage = leverage
        self.fee_rate = fee_rate
        self.maintenance_rate = maintenance_rate
        self.margin_floor_rate = margin_floor_rate
        self.liquidation_fee_rate = liquidation_fee_rate
        self.liquidation_price = liquidation_price
        self.stop_loss = stop_loss
        self.take_profit = take_profit
        self.opened_at = opened_at


class Account(Record):
    """A client's account."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "account_id",
        "number",
        "opened_at",
        "seq",
        "cash",
        "margin",
        "open_notional",
        "deposit_day",
        "deposited",
        "commands",
        "exits",
        "positions",
        "client_order_ids",
        "closes",
        "amendments",
        "withdrawals",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        account_id: str,
        number: int,
        opened_at: Timestamp,
        seq: int = 0,
        cash: Micros = Micros(0),
        margin: Micros = Micros(0),
        open_notional: dict[str, Micros] | None = None,
        deposit_day: int = 0,
        deposited: Micros = Micros(0),
        commands: dict[str, Remembered] | None = None,
        exits: dict[str, Remembered] | None = None,
        positions: dict[str, Position] | None = None,
        client_order_ids: dict[str, Timestamp] | None = None,
        closes: dict[str, Remembered] | None = None,
        amendments: dict[str, Remembered] | None = None,
        withdrawals: dict[str, Remembered] | None = None,
    ) -> None:
        self.account_id = account_id
        self.number = number
        self.opened_at = opened_at
        self.seq = seq
        self.cash = cash
        self.margin = margin
        self.open_notional = {} if open_notional is None else open_notional
        self.deposit_day = deposit_day
        self.deposited = deposited
        self.commands = {} if commands is None else commands
        self.exits = {} if exits is None else exits
        self.positions = {} if positions is None else positions
        self.client_order_ids = {} if client_order_ids is None else client_order_ids
        self.closes = {} if closes is None else closes
        self.amendments = {} if amendments is None else amendments
        self.withdrawals = {} if withdrawals is None else withdrawals


class Quote(Record):
    """The last accepted tick."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "bid",
        "ask",
        "source_time",
        "update_id",
        "offset",
        "heard_at",
        "stale",
        "contradicted",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        bid: Ticks,
        ask: Ticks,
        source_time: Timestamp,
        update_id: int,
        offset: int,
        heard_at: Timestamp,
        stale: bool = False,
        contradicted: bool = False,
    ) -> None:
        self.bid = bid
        self.ask = ask
        self.source_time = source_time
        self.update_id = update_id
        self.offset = offset
        self.heard_at = heard_at
        self.stale = stale
        self.contradicted = contradicted


class Candidate(Record):
    """A held tick that waits to be confirmed."""

    FIELDS: ClassVar[tuple[str, ...]] = ("bid", "ask", "source_time", "update_id", "held_at")
    __slots__ = FIELDS

    def __init__(
        self, *, bid: Ticks, ask: Ticks, source_time: Timestamp, update_id: int, held_at: Timestamp = Timestamp(0)
    ) -> None:
        self.bid: Final = bid
        self.ask: Final = ask
        self.source_time: Final = source_time
        self.update_id: Final = update_id
        self.held_at: Final = held_at


class Market(Record):
    """One instrument's market in this shard."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "symbol",
        "status",
        "quote",
        "candidate",
        "last_source_time",
        "last_update_id",
        "long_notional",
        "short_notional",
        "house_quantity",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("quote", "candidate", "last_source_time", "last_update_id")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        symbol: str,
        status: MarketStatus = "open",
        quote: Quote | None = None,
        candidate: Candidate | None = None,
        last_source_time: Timestamp | None = None,
        last_update_id: int | None = None,
        long_notional: Micros = Micros(0),
        short_notional: Micros = Micros(0),
        house_quantity: Lots = Lots(0),
    ) -> None:
        self.symbol = symbol
        self.status = status
        self.quote = quote
        self.candidate = candidate
        self.last_source_time = last_source_time
        self.last_update_id = last_update_id
        self.long_notional = long_notional
        self.short_notional = short_notional
        self.house_quantity = house_quantity


class Feed(Record):
    """Whose prices count."""

    FIELDS: ClassVar[tuple[str, ...]] = ("name", "run", "live")
    __slots__ = FIELDS

    def __init__(self, *, name: str, run: str, live: bool) -> None:
        self.name: Final = name
        self.run: Final = run
        self.live: Final = live


class AccountsPage(Record):
    """Accounts of a ledger in order of number; the pages of a snapshot after its head."""

    FIELDS: ClassVar[tuple[str, ...]] = ("accounts",)
    __slots__ = FIELDS

    def __init__(self, *, accounts: tuple[Account, ...]) -> None:
        self.accounts: Final = accounts


class LedgerHead(Record):
    """The first page of a snapshot: all of a ledger but its accounts and positions, whose number it has."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "format",
        "shard",
        "shards",
        "seq",
        "time",
        "next_offset",
        "house",
        "fees",
        "insurance",
        "external",
        "feed",
        "clock_suspect",
        "next_position",
        "accounts",
        "positions",
        "instruments",
        "markets",
        "broadcasts",
        "rules_version",
        "positions_max",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("feed",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        format: int,
        shard: int,
        shards: int,
        seq: int,
        time: Timestamp,
        next_offset: int,
        house: Micros,
        fees: Micros,
        insurance: Micros,
        external: Micros,
        feed: Feed | None = None,
        clock_suspect: bool,
        next_position: int,
        accounts: int,
        positions: int,
        instruments: tuple[Instrument, ...],
        markets: tuple[Market, ...],
        broadcasts: dict[str, Remembered],
        rules_version: int,
        positions_max: int,
    ) -> None:
        self.format: Final = format
        self.shard: Final = shard
        self.shards: Final = shards
        self.seq: Final = seq
        self.time: Final = time
        self.next_offset: Final = next_offset
        self.house: Final = house
        self.fees: Final = fees
        self.insurance: Final = insurance
        self.external: Final = external
        self.feed: Final = feed
        self.clock_suspect: Final = clock_suspect
        self.next_position: Final = next_position
        self.accounts: Final = accounts
        self.positions: Final = positions
        self.instruments: Final = instruments
        self.markets: Final = markets
        self.broadcasts: Final = broadcasts
        self.rules_version: Final = rules_version
        self.positions_max: Final = positions_max
