"""The exchange once more, plainly: it looks at every position on every tick, and divides with fractions.

Written from docs/rules.md and not from the engine, with which it shares the messages and nothing else: no index, no
formula for the liquidation price (it searches for the tick at which the predicate turns), no events.

Longer than 300 lines because it is the whole exchange in one class, read beside docs/rules.md from top to bottom.
"""

import dataclasses
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from schemas.commands import (
    AcceptOffsetGap,
    ActivateRules,
    AmendStops,
    Broadcast,
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
from schemas.messages import Instrument
from schemas.record import replace
from tests.twin.naive_prices import MILLION, NaivePrices

TEN_MINUTES = 600 * MILLION
FIVE_MINUTES = 300 * MILLION
DAY = 86_400 * MILLION
BILLION = 10**9
# Refusals of which no id is remembered.
FORGOTTEN = ("ACCOUNT_EXISTS", "ACCOUNT_UNKNOWN", "COMMAND_ID_REUSED", "TOO_MANY_COMMANDS")


@dataclass
class Position:
    """An open position."""

    number: int
    owner: str
    symbol: str
    long: bool
    lots: int
    entry: int
    margin: int
    leverage: Fraction
    rates: Instrument
    stop: int | None
    take: int | None

    def worth(self, price: int) -> int:
        """Notional at a price."""
        return self.lots * price * self.rates.tick_value

    def equity(self, price: int) -> int:
        """Margin and profit at a price."""
        profit = self.worth(price) - self.worth(self.entry)
        return self.margin + (profit if self.long else -profit)

    def doomed(self, price: int) -> bool:
        """Whether it is liquidated at this price: equity below the greater of the two requirements."""
        return self.equity(price) < self.required(price)

    def required(self, price: int) -> int:
        """Give the greater of the two requirements."""
        maintenance = ceil(Fraction(self.worth(price) * self.rates.maintenance_rate, MILLION))
        return max(maintenance, ceil(Fraction(self.margin * self.rates.margin_floor_rate, MILLION)))

    def fee(self, price: int) -> int:
        """Give what closing it costs, if it can pay."""
        return ceil(Fraction(self.worth(price) * self.rates.fee_rate, MILLION))

    def doom(self, price: int) -> int:
        """Search for the first tick on the way here at which it was doomed; it is at this one."""
        bad, good = price, BILLION + 1 if self.long else 0
        while abs(good - bad) > 1:
            middle = (good + bad) // 2
            if self.doomed(middle):
                bad = middle
            else:
                good = middle
        return bad


@dataclass
class Close:
    """A position that was closed: which, why, at which price, and what returned."""

    number: int
    reason: str
    price: int
    returned: int


@dataclass
class Part:
    """A part of a position that was closed: of which, how many lots, at which price, and what returned."""

    number: int
    lots: int
    price: int
    returned: int


@dataclass
class Answer:
    """What became of one command. refusal: the name of the rejection; left: positions a close of all did not reach."""

    refusal: str | None = None
    repeated: bool = False
    opened: int | None = None
    closes: list[Close] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    left: list[int] | None = None
    closed_of_the_oldest: int | None = None


@dataclass
class Memory:
    """A command that was decided. kind: what it is counted under."""

    owner: str
    command_id: str
    time: int
    content: ClientCommand
    kind: str


class Refused(Exception):  # It is not an error.
    """Ends a command."""


class Naive:
    """One ledger in the only shard."""

    def __init__(self, rules: int = 1, *, most: int = 600, most_withdrawals: int = 60) -> None:
        self.time = self.appended = 0
        self.offset = -1
        self.instruments: dict[str, Instrument] = {}
        self.status: dict[str, str] = {}
        self.prices = NaivePrices()
        self.cash: dict[str, int] = {}
        self.paid_in: dict[tuple[str, int], int] = {}
        self.memories: list[Memory] = []
        self.named: dict[tuple[str, str], int] = {}
        self.broadcasts: dict[str, Broadcast] = {}
        self.positions: list[Position] = []
        self.count = 0
        self.house = self.fees = self.insurance = 0
        self.rules = self.prices.rules = rules
        self.most, self.most_withdrawals, self.most_positions = most, most_withdrawals, 500

    def execute(self, command: Command | None, time: int) -> Answer:
        """Do one command, appended at a time, or say why not."""
        self.offset += 1
        self.appended, self.time = time, max(self.time, time)
        answer = Answer()
        try:
            self._execute(command, answer)
        except Refused as refusal:
            answer.refusal = str(refusal)
        if self.rules > 1:
            for memory in [memory for memory in self.memories if memory.time <= self.time - TEN_MINUTES][:2]:
                self.memories.remove(memory)
        if isinstance(command, ClientCommand) and not answer.repeated:
            self._remember(command, answer)
        return answer

    def _execute(self, command: Command | None, answer: Answer) -> None:
        if command is None:
            raise Refused("NOT_DECODABLE")
        if isinstance(command, ClientCommand):
            answer.repeated = self._is_repeat(command)
        elif isinstance(command, Broadcast):
            answer.repeated = self._is_repeated_broadcast(command)
        if answer.repeated:
            return
        match command:
            case OpenAccount():
                self.cash[command.account_id] = command.first_deposit
            case Deposit():
                self._deposit(command)
            case Withdraw():
                require(command.amount > 0, "AMOUNT_NOT_POSITIVE")
                require(command.amount <= self.cash[command.account_id], "INSUFFICIENT_MARGIN")
                self.cash[command.account_id] -= command.amount
            case OpenPosition():
                answer.opened = self._open(command)
            case ClosePosition():
                position = self._owned(command)
                require(self.status[position.symbol] != "halted", "MARKET_HALTED")
                self._require_price(position.symbol)
                answer.closes.append(self._close(position, "manual"))
            case ReducePosition() | ReduceOldest():
                self._reduce(command, answer)
            case CloseAll():
                self._close_all(command, answer)
            case AmendStops():
                self._amend(command)
            case _:
                self._operate(command, answer)

    def _operate(
        self,
        command: DefineInstruments
        | SetMarketStatus
        | ActivateRules
        | SetClock
        | SetAccountLimits
        | AcceptOffsetGap
        | SelectFeed
        | UpdatePrices,
        answer: Answer,
    ) -> None:
        """What is of no account."""
        match command:
            case DefineInstruments():
                for instrument in command.instruments:
                    require(self._may_be_defined(instrument), "MALFORMED")
                for instrument in command.instruments:
                    self.instruments[instrument.symbol] = instrument
                    self.status.setdefault(instrument.symbol, "open")
            case SetMarketStatus():
                require(command.symbol in self.instruments, "SYMBOL_UNKNOWN")
                self.status[command.symbol] = command.status
                if self.prices.worth_of(command.symbol, self.time) == "fresh":
                    self._fire(command.symbol, answer)
            case ActivateRules():
                if command.version != self.rules + 1:
                    del self.broadcasts[command.command_id]
                    raise Refused("RULES_VERSION_NOT_NEXT")
                self.rules = command.version
                self.prices.go_by(self.rules, self.time)
            case SetClock():
                self._turn_back()
            case SetAccountLimits():
                require(1 <= command.positions_max <= 100_000, "MALFORMED")
                self.most_positions = command.positions_max
            case AcceptOffsetGap():
                require(0 <= command.first_offset <= command.last_offset < self.offset, "MALFORMED")
            case SelectFeed():
                self.prices.select(command)
            case UpdatePrices():
                require(command.sent_at > 0, "MALFORMED")
                require(self.prices.is_selected(command), "FEED_NOT_SELECTED")
                for symbol in self.prices.update(command, self.instruments, self.time):
                    self._fire(symbol, answer)
            case _:
                raise AssertionError("a command of an account")

    def _is_repeat(self, command: ClientCommand) -> bool:
        """Go through the first rungs, unless the command is known."""
        known = command.account_id in self.cash
        require(not (known and isinstance(command, OpenAccount)), "ACCOUNT_EXISTS")
        require(known or isinstance(command, OpenAccount), "ACCOUNT_UNKNOWN")
        for memory in self._recent(command):
            if memory.command_id == command.command_id:
                require(memory.content == content_of(command), "COMMAND_ID_REUSED")
                return True
        kind = kind_of(command, self.rules)
        require(kind is None or self._has_room(command, kind), "TOO_MANY_COMMANDS")
        if command.deadline is not None:
            require(command.deadline >= self.time, "DEADLINE_PASSED")
            require(command.deadline <= self.time + FIVE_MINUTES, "DEADLINE_TOO_FAR")
        if isinstance(command, OpenAccount):
            require(command.first_deposit >= 0, "AMOUNT_NOT_POSITIVE")
            require(command.first_deposit <= BILLION * MILLION, "BALANCE_LIMIT")
        return False

    def _recent(self, command: ClientCommand) -> list[Memory]:
        """Give what is remembered of the account."""
        since = self.time - TEN_MINUTES
        return [memory for memory in self.memories if memory.owner == command.account_id and memory.time > since]

    def _has_room(self, command: ClientCommand, kind: str) -> bool:
        most = self.most_withdrawals if kind == "withdrawal" else self.most
        return kind == "close" or sum(memory.kind == kind for memory in self._recent(command)) < most

    def _remember(self, command: ClientCommand, answer: Answer) -> None:
        """Remember what was decided, under what it came to; nothing of unknown accounts, nor what was too much."""
        if command.account_id not in self.cash or answer.refusal in FORGOTTEN:
            return
        kind = kind_of(command, self.rules) or "leaving"
        if self.rules > 1 and answer.refusal is not None:
            kind = "leaving"
            if not self._has_room(command, kind):
                answer.refusal = "TOO_MANY_COMMANDS"
                return
        elif kind == "leaving" and closes_whole(command, answer) and self.rules > 1:
            kind = "close"
        old = self.time - TEN_MINUTES
        self.memories = [
            memory
            for memory in self.memories
            if (memory.owner, memory.kind) != (command.account_id, kind) or memory.time > old
        ]
        self.memories.append(Memory(command.account_id, command.command_id, self.time, content_of(command), kind))

    def _turn_back(self) -> None:
        """Let the time be when this command was appended, and all that was remembered later count from now."""
        now = self.time = self.appended
        self.prices.turn_back(now)
        for memory in self.memories:
            memory.time = min(memory.time, now)
        self.named = {name: min(time, now) for name, time in self.named.items()}
        for who, day in [key for key in self.paid_in if key[1] > now // DAY]:
            today = (who, now // DAY)
            self.paid_in[today] = self.paid_in.get(today, 0) + self.paid_in.pop((who, day))

    def _may_be_defined(self, instrument: Instrument) -> bool:
        age = instrument.open_age_max
        if age is not None and not 0 < age <= 5 * MILLION:
            return False
        known = self.instruments.get(instrument.symbol)
        units = (instrument.tick_exponent, instrument.lot_exponent, instrument.tick_value)
        if known is not None:
            return units == (known.tick_exponent, known.lot_exponent, known.tick_value)
        exact = Fraction(10) ** (6 - instrument.tick_exponent - instrument.lot_exponent)
        return self.rules == 1 or instrument.tick_value == exact

    def _is_repeated_broadcast(self, command: Broadcast) -> bool:
        content = replace(command, command_id="")
        known = self.broadcasts.setdefault(command.command_id, content)
        if known is content:
            return False
        require(known == content, "COMMAND_ID_REUSED")
        return True

    def _deposit(self, command: Deposit) -> None:
        require(command.amount > 0, "AMOUNT_NOT_POSITIVE")
        today = (command.account_id, self.time // DAY)
        require(self.paid_in.get(today, 0) + command.amount <= 100_000 * MILLION, "DEPOSIT_LIMIT")
        margin = sum(position.margin for position in self.positions if position.owner == command.account_id)
        balance = self.cash[command.account_id] + margin
        require(balance + command.amount <= BILLION * MILLION, "BALANCE_LIMIT")
        self.paid_in[today] = self.paid_in.get(today, 0) + command.amount
        self.cash[command.account_id] += command.amount

    def _open(self, order: OpenPosition) -> int:
        require((order.margin is None) != (order.quantity is None), "MALFORMED")
        require(order.symbol in self.instruments, "SYMBOL_UNKNOWN")
        require(self.status[order.symbol] != "halted", "MARKET_HALTED")
        require(self.status[order.symbol] == "open", "MARKET_CLOSE_ONLY")
        self._require_price(order.symbol)
        rules, quote = self.instruments[order.symbol], self.prices.quotes[order.symbol]
        most = 2 * MILLION if rules.open_age_max is None else rules.open_age_max
        require(self.rules == 1 or self.prices.age(order.symbol, self.time) <= most, "PRICE_TOO_OLD")
        require(not self.prices.suspect, "CLOCK_SUSPECT")
        long = order.side == "long"
        require(rules.leverage_min <= order.leverage <= rules.leverage_max, "LEVERAGE_OUT_OF_RANGE")
        entry, leave = (quote.ask, quote.bid) if long else (quote.bid, quote.ask)
        if order.expected_price is not None:
            bps = rules.slippage_bps if order.slippage_bps is None else order.slippage_bps
            worse = Fraction(entry, order.expected_price) - 1
            require((worse if long else -worse) <= Fraction(bps, 10_000), "SLIPPAGE_EXCEEDED")
        leverage = Fraction(order.leverage, 100)
        require((order.margin or order.quantity or 0) > 0, "AMOUNT_NOT_POSITIVE")
        lots, margin = order.quantity, order.margin
        if lots is None:
            assert margin is not None
            lots = floor(margin * leverage / (entry * rules.tick_value))
        notional = lots * entry * rules.tick_value
        if margin is None:
            margin = ceil(notional / leverage)
        fee = ceil(Fraction(notional * rules.fee_rate, MILLION))
        require(lots >= rules.quantity_min, "BELOW_MINIMUM")
        require(lots <= rules.quantity_max, "ABOVE_MAXIMUM")
        require(notional <= rules.notional_max, "POSITION_NOTIONAL_LIMIT")
        same = [position for position in self.positions if position.symbol == order.symbol]
        mine = sum(position.worth(position.entry) for position in same if position.owner == order.account_id)
        require(mine + notional <= rules.account_notional_max, "ACCOUNT_NOTIONAL_LIMIT")
        side = sum(position.worth(position.entry) for position in same if position.long == long)
        require(side + notional <= rules.side_notional_max, "SIDE_NOTIONAL_LIMIT")
        held = sum(position.owner == order.account_id for position in self.positions)
        require(self.rules == 1 or held < self.most_positions, "TOO_MANY_POSITIONS")
        check_stops(long=long, leave=leave, stop=order.stop_loss, take=order.take_profit)
        position = Position(
            number=self.count + 1,
            owner=order.account_id,
            symbol=order.symbol,
            long=long,
            lots=lots,
            entry=entry,
            margin=margin,
            leverage=leverage,
            rates=rules,
            stop=order.stop_loss,
            take=order.take_profit,
        )
        require(not position.doomed(leave), "LIQUIDATABLE_AT_ONCE")
        require(self.cash[order.account_id] >= margin + fee, "INSUFFICIENT_MARGIN")
        if order.client_order_id is not None:
            used_at = self.named.get((order.account_id, order.client_order_id))
            require(used_at is None or self.time - used_at >= TEN_MINUTES, "CLIENT_ORDER_ID_USED")
            self.named[order.account_id, order.client_order_id] = self.time
        self.cash[order.account_id] -= margin + fee
        self.fees += fee
        self.count += 1
        self.positions.append(position)
        return position.number

    def _amend(self, command: AmendStops) -> None:
        require(command.amend_stop_loss or command.amend_take_profit, "MALFORMED")
        position = self._owned(command)
        stop = command.stop_loss if command.amend_stop_loss else None
        take = command.take_profit if command.amend_take_profit else None
        if stop is not None or take is not None:
            self._require_price(position.symbol)
            check_stops(long=position.long, leave=self._leave(position), stop=stop, take=take)
        if command.amend_stop_loss:
            position.stop = stop
        if command.amend_take_profit:
            position.take = take

    def _owned(self, command: ClosePosition | ReducePosition | AmendStops) -> Position:
        for position in self.positions:
            if f"0-{position.number}" == command.position_id and position.owner == command.account_id:
                return position
        raise Refused("POSITION_NOT_OPEN")

    def _require_price(self, symbol: str) -> None:
        worth = self.prices.worth_of(symbol, self.time)
        require(worth != "none", "NO_PRICE")
        require(worth != "unconfirmed", "PRICE_UNCONFIRMED")
        require(worth != "stale", "PRICE_STALE")

    def _leave(self, position: Position) -> int:
        quote = self.prices.quotes[position.symbol]
        return quote.bid if position.long else quote.ask

    def _fire(self, symbol: str, answer: Answer) -> None:
        """Close the positions this price reaches: all falling levels from above, then all rising ones from below."""
        if self.status[symbol] == "halted":
            return
        reached: list[tuple[bool, int, int, int, Position]] = []
        for position in self.positions:
            if position.symbol != symbol:
                continue
            price = self._leave(position)
            falls = position.long  # its losses lie below
            if position.doomed(price):
                reached.append(level(rising=not falls, at=position.doom(price), kind=0, position=position))
            if position.stop is not None and (price <= position.stop if position.long else price >= position.stop):
                reached.append(level(rising=not falls, at=position.stop, kind=1, position=position))
            if position.take is not None and (price >= position.take if position.long else price <= position.take):
                reached.append(level(rising=falls, at=position.take, kind=2, position=position))
        for _, _, kind, _, position in sorted(reached, key=lambda entry: entry[:4]):
            if position in self.positions:
                answer.closes.append(self._close(position, ("liquidation", "stop_loss", "take_profit")[kind]))

    def _reduce(self, command: ReducePosition | ReduceOldest, answer: Answer) -> None:
        """Close so many lots of one position, or of the oldest of a kind, if there are as many."""
        if isinstance(command, ReducePosition):
            positions = [self._owned(command)]
            symbol = positions[0].symbol
        else:
            require(command.symbol in self.instruments, "SYMBOL_UNKNOWN")
            positions, symbol = [position for position in self.positions if is_meant(position, command)], command.symbol
        require(self.status[symbol] != "halted", "MARKET_HALTED")
        self._require_price(symbol)
        require(command.quantity > 0, "AMOUNT_NOT_POSITIVE")
        left, shares = command.quantity, []
        for position in positions:
            shares.append((position, min(left, position.lots)))
            left -= shares[-1][1]
            if left == 0:
                break
        if left == 0:
            last, taken = shares[-1]
            stays = last.lots - taken
            require(stays == 0 or stays >= self.instruments[last.symbol].quantity_min, "BELOW_MINIMUM")
        require(left == 0, "ABOVE_MAXIMUM")
        going = [position.lots if self._rest(position, taken) is None else taken for position, taken in shares]
        whole = any(lots == position.lots for lots, (position, _) in zip(going, shares, strict=True))
        require(self.rules == 1 or whole or self._has_room(command, "leaving"), "TOO_MANY_COMMANDS")
        if isinstance(command, ReduceOldest):
            answer.closed_of_the_oldest = command.quantity if self.rules == 1 else sum(going)
        for position, taken in shares:
            self._close_part(position, taken, answer)

    def _close_all(self, command: CloseAll, answer: Answer) -> None:
        """Close what can be closed."""
        require(command.symbol is None or command.symbol in self.instruments, "SYMBOL_UNKNOWN")
        theirs = [position for position in self.positions if position.owner == command.account_id]
        meant = [position for position in theirs if command.symbol in (None, position.symbol)]
        closing = [
            position
            for position in meant
            if self.status[position.symbol] != "halted" and self.prices.worth_of(position.symbol, self.time) == "fresh"
        ]
        require(closing or self._has_room(command, "leaving"), "TOO_MANY_COMMANDS")
        answer.left = [position.number for position in meant if position not in closing]
        for position in closing:
            answer.closes.append(self._close(position, "manual"))

    def _rest(self, position: Position, lots: int) -> Position | None:
        """Give what stays of a position, its margin not yet lessened by what is set free; null where none can stay."""
        price = self._leave(position)
        part = dataclasses.replace(position, lots=lots, margin=0)
        rest = dataclasses.replace(position, lots=position.lots - lots)
        rest.margin -= max(0, part.fee(price) - part.equity(price))
        return None if rest.lots == 0 or rest.margin <= 0 or rest.doomed(price) else rest

    def _close_part(self, position: Position, lots: int, answer: Answer) -> None:
        price, rest = self._leave(position), self._rest(position, lots)
        if rest is None:
            answer.closes.append(self._close(position, "manual"))
            return
        part = dataclasses.replace(position, lots=lots, margin=0)
        fee, profit = part.fee(price), part.equity(price)
        stays = max(ceil(rest.worth(price) / rest.leverage), rest.required(price), rest.fee(price))
        free = max(0, min(floor(Fraction(rest.margin * lots, position.lots)), rest.equity(price) - stays))
        returned = free + max(0, profit - fee)
        self.cash[position.owner] += returned
        self.house -= profit
        self.fees += fee
        position.lots, position.margin = rest.lots, rest.margin - free
        answer.parts.append(Part(position.number, lots, price, returned))

    def _close(self, position: Position, reason: str) -> Close:
        price = self._leave(position)
        equity = position.equity(price)
        left = max(equity, 0)
        if reason == "liquidation" or (self.rules == 1 and position.doomed(price)):
            charge = min(left, ceil(Fraction(position.worth(price) * position.rates.liquidation_fee_rate, MILLION)))
            self.insurance += charge
        else:
            charge = min(left, position.fee(price))
            self.fees += charge
        self.house += position.margin - left
        if equity < 0:
            paid = min(self.insurance, -equity)
            self.insurance -= paid
            self.house += paid
        self.cash[position.owner] += left - charge
        self.positions.remove(position)
        return Close(position.number, reason, price, left - charge)


def content_of(command: ClientCommand) -> ClientCommand:
    """Give what makes two commands of one id the same."""
    return replace(command, command_id="", deadline=None)


def kind_of(command: ClientCommand, rules: int) -> str | None:
    """Say what a command is counted under, whatever comes of it unless it is refused; null where that depends."""
    if rules == 1:
        leaves = isinstance(command, ClosePosition | ReducePosition | ReduceOldest | AmendStops)
        return "leaving" if leaves else "opening"
    match command:
        case ClosePosition() | CloseAll() | ReducePosition() | ReduceOldest():
            return None
        case AmendStops():
            return "amendment"
        case Withdraw():
            return "withdrawal"
        case _:
            return "opening"


def closes_whole(command: ClientCommand, answer: Answer) -> bool:
    """Say whether it closed a position whole."""
    return bool(answer.closes)


def is_meant(position: Position, command: ReduceOldest) -> bool:
    """Say whether a position is of the kind the command names."""
    is_theirs = position.owner == command.account_id and position.symbol == command.symbol
    return is_theirs and position.long == (command.side == "long") and position.leverage * 100 == command.leverage


def require(holds: object, refusal: str) -> None:
    """Go on only if it holds."""
    if not holds:
        raise Refused(refusal)


def check_stops(*, long: bool, leave: int, stop: int | None, take: int | None) -> None:
    """A stop lies where the position loses, a take where it wins."""
    sign = 1 if long else -1
    require(stop is None or sign * stop < sign * leave, "STOP_LOSS_WRONG_SIDE")
    require(take is None or sign * take > sign * leave, "TAKE_PROFIT_WRONG_SIDE")


def level(*, rising: bool, at: int, kind: int, position: Position) -> tuple[bool, int, int, int, Position]:
    """Give what levels are sorted by: falling ones first and from above."""
    return rising, at if rising else -at, kind, position.number, position
