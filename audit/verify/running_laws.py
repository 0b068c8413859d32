"""The laws after each command, by sums of the audit's own: what a command touched is looked at, and no more.

`engine.core.laws.broken` looks at every account and position; this costs what changed. What nobody may have
touched is compared at intervals, by the full laws.
"""

from heapq import heappop, heappush
from typing import Final

from audit.verify.arithmetic import (
    OpenAmounts,
    has_exact_liquidation_price,
    is_overdue,
    wrong_in_closing,
    wrong_in_opening,
    wrong_in_reducing,
)
from audit.verify.running_rules import RunningRules
from engine.core.state import State
from schemas.commands import Command
from schemas.events import (
    ClockSet,
    Event,
    MarketStatusSet,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
)
from schemas.ledger_records import Position, Quote
from schemas.messages import Side
from schemas.units import MINUTE, SECOND

MEMORY: Final = 10 * MINUTE
FRESH: Final = 5 * SECOND

# A position's liquidation price, in an order in which the first to be reached comes first; its number, the event that
# made the price, and the position.
Level = tuple[int, int, int, Position]


class SymbolSums:
    """What the clients hold of one symbol, and who is liquidated first on each side."""

    def __init__(self) -> None:
        self.size = 0
        self.long_notional = 0
        self.short_notional = 0
        self.longs: list[Level] = []
        self.shorts: list[Level] = []

    def add(self, position: Position, sign: int) -> None:
        """Count a position that was opened (1) or closed (-1)."""
        self.change(position.side, sign * position.quantity, sign * position.entry_notional)

    def change(self, side: Side, quantity: int, entry_notional: int) -> None:
        """Count lots that were opened, or closed: those are below zero."""
        if side == "long":
            self.size += quantity
            self.long_notional += entry_notional
        else:
            self.size -= quantity
            self.short_notional += entry_notional


class RunningLaws:
    """Sums over one shard's ledger; `broken_by` takes each command's events once they are in the state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rules = RunningRules(state)
        self._seq = state.seq
        self._offset = state.next_offset - 1
        self._worth = {account_id: account.cash + account.margin for account_id, account in state.accounts.items()}
        self._clients: int = sum(self._worth.values())
        self._account_seqs = {account_id: account.seq for account_id, account in state.accounts.items()}
        self._positions: dict[str, Position] = {}
        self._amounts: dict[str, OpenAmounts] = {}  # of the open positions, as their own events have left them
        self._margins: dict[str, int] = {}
        self._symbols: dict[str, SymbolSums] = {}
        self._remembered: dict[tuple[str, str], int] = {}
        self._broadcasts = set(state.broadcasts)
        for position in state.positions.values():
            self._add(position)

    def broken_by(self, command: Command | None, events: list[Event]) -> list[str]:
        """Give a sentence for each law or rule that does not hold after this command; none in a sound ledger."""
        found = self._rules.broken_by(command, events)
        state = self._state
        if len(events) == 1:  # As most commands give.
            (event,) = events
            symbols = self._take(event, found)
            if event.account_id is not None:
                self._check_account(event.account_id, found)
        else:
            moved: dict[str, None] = {}
            for event in events:
                moved.update(dict.fromkeys(self._take(event, found)))
            for account_id in {event.account_id for event in events if event.account_id is not None}:
                self._check_account(account_id, found)
            symbols = tuple(moved)
        for symbol in symbols:
            self._check_market(symbol, found)
        total = self._clients + state.house + state.fees + state.insurance + state.external
        if total != 0:
            found.append(f"law 1: the sum of all ledger accounts is {total}, not 0")
        if state.insurance < 0:
            found.append(f"law 6: INSURANCE is {state.insurance}")
        return found

    def _take(self, event: Event, found: list[str]) -> tuple[str, ...]:
        """Take an event into the sums; the symbols whose market it moved."""
        self._count(event, found)
        if isinstance(event, PositionOpened):
            self._open(event, found)
            return (event.symbol,)
        if isinstance(event, PositionClosed):
            self._close(event, found)
            return (event.symbol,)
        if isinstance(event, PositionReduced):
            self._reduce(event, found)
            return (event.symbol,)
        if isinstance(event, PricesUpdated):
            return tuple([tick.symbol for tick in event.accepted])
        return (event.symbol,) if isinstance(event, MarketStatusSet) else ()

    def _count(self, event: Event, found: list[str]) -> None:
        """Laws 7 and 8: nothing of the order of events is missing, and an id has one outcome."""
        seq, offset, account_id = event.seq, event.command_offset, event.account_id
        if isinstance(event, ClockSet):
            self._turn_back(event)
        if seq != self._seq + 1:
            found.append(f"law 7: event {seq} after {self._seq}")
        if offset < self._offset:
            found.append(f"law 7: command {offset} after {self._offset}")
        self._seq, self._offset = seq, offset
        account_seq = event.account_seq
        if account_seq is not None and account_id is not None:
            last = self._account_seqs.get(account_id, 0)
            if account_seq != last + 1:
                found.append(f"law 7: account {account_id} has event {account_seq} after {last}")
            self._account_seqs[account_id] = account_seq
        command_id = event.command_id
        if command_id is None or event.command_hash is None:
            return
        if account_id is None:
            if command_id in self._broadcasts:
                found.append(f"law 8: command {command_id} has two outcomes")
            self._broadcasts.add(command_id)
            return
        remembered, key, time = self._remembered, (account_id, command_id), event.time
        known = remembered.pop(key, None)
        if known is not None and known + MEMORY > time:
            found.append(f"law 8: command {command_id} has two outcomes")
        remembered[key] = time
        for oldest in remembered:
            if remembered[oldest] + MEMORY > time:
                break
            del remembered[oldest]
            break  # One goes for each that comes, so there are never many old ones.

    def _turn_back(self, event: ClockSet) -> None:
        """CLOCK-02: ids of a time to come count from now; what was forgotten at the time before may come again."""
        self._remembered = {
            key: min(time, event.time) for key, time in self._remembered.items() if time + MEMORY > event.before
        }

    def _open(self, event: PositionOpened, found: list[str]) -> None:
        state, name = self._state, event.position_id
        position = state.positions.get(name)
        if position is None:
            found.append(f"law 5: position {name} was opened and is not there")
            return
        tick_value = state.instruments[event.symbol].tick_value
        wrong = wrong_in_opening(event, tick_value)
        if wrong is not None:
            found.append(f"receipt of {name}: {wrong}")
        if position.quantity <= 0 or position.entry_notional <= 0 or position.margin <= 0:
            found.append(f"law 5: position {name} is open with no size, cost or margin")
        if not has_exact_liquidation_price(position, tick_value):
            found.append(f"law 4: position {name} is not liquidated first at {position.liquidation_price}")
        self._add(position)

    def _reduce(self, event: PositionReduced, found: list[str]) -> None:
        state, name = self._state, event.position_id
        position, amounts = self._positions.get(name), self._amounts.get(name)
        if position is None or amounts is None or name not in state.positions:
            found.append(f"law 5: position {name} was reduced and is not open")
            return
        tick_value = state.instruments[event.symbol].tick_value
        wrong = wrong_in_reducing(event, amounts, position, tick_value)
        if wrong is not None:
            found.append(f"receipt of {name}: {wrong}")
        left = OpenAmounts(event.quantity_left, event.entry_notional_left, event.margin_left, event.liquidation_price)
        if left != _amounts_of(position):
            found.append(f"law 5: position {name} is not what its event has left of it")
        if not has_exact_liquidation_price(position, tick_value):
            found.append(f"law 4: position {name} is not liquidated first at {position.liquidation_price}")
        account_id = position.account_id
        self._margins[account_id] += left.margin - amounts.margin
        self._symbols[position.symbol].change(
            position.side, left.quantity - amounts.quantity, left.entry_notional - amounts.entry_notional
        )
        self._amounts[name] = left
        self._expect_liquidation(position, event.seq)

    def _close(self, event: PositionClosed, found: list[str]) -> None:
        state, name = self._state, event.position_id
        position = self._positions.pop(name, None)
        self._amounts.pop(name, None)
        if position is None:
            found.append(f"law 5: position {name} was closed and was not open")
            return
        if name in state.positions:
            found.append(f"law 5: position {name} was closed and is still there")
        tick_value = state.instruments[event.symbol].tick_value
        wrong = wrong_in_closing(event, position, tick_value, state.rules_version)
        if wrong is not None:
            found.append(f"receipt of {name}: {wrong}")
        self._symbols[position.symbol].add(position, -1)
        self._margins[position.account_id] -= position.margin

    def _add(self, position: Position) -> None:
        self._positions[position.position_id] = position
        account_id, symbol = position.account_id, position.symbol
        self._margins[account_id] = self._margins.get(account_id, 0) + position.margin
        sums = self._symbols.get(symbol)
        if sums is None:
            sums = self._symbols[symbol] = SymbolSums()
        sums.add(position, 1)
        self._amounts[position.position_id] = _amounts_of(position)
        self._expect_liquidation(position, 0)

    def _expect_liquidation(self, position: Position, seq: int) -> None:
        """Put a position where it is found at its liquidation price; where it stood before, it is stale."""
        price, sums = position.liquidation_price, self._symbols[position.symbol]
        if price is None:
            return
        if position.side == "long":
            heappush(sums.longs, (-price, position.number, seq, position))
        else:
            heappush(sums.shorts, (price, position.number, seq, position))

    def _check_account(self, account_id: str, found: list[str]) -> None:
        account = self._state.accounts.get(account_id)
        if account is None:
            return  # A command for an account that is not here was refused.
        worth = account.cash + account.margin
        self._clients += worth - self._worth.get(account_id, 0)
        self._worth[account_id] = worth
        if account.cash < 0:
            found.append(f"law 3: account {account_id} has cash {account.cash}")
        margins = self._margins.get(account_id, 0)
        if account.margin != margins:
            found.append(f"law 5: account {account_id} has margin {account.margin}, its positions {margins}")

    def _check_market(self, symbol: str, found: list[str]) -> None:
        state = self._state
        market, sums = state.markets[symbol], self._symbols.get(symbol)
        if sums is None:
            sums = self._symbols[symbol] = SymbolSums()
        if sums.size + market.house_quantity != 0:
            found.append(f"law 2: {symbol}: clients hold {sums.size} lots, the house {market.house_quantity}")
        if sums.long_notional != market.long_notional or sums.short_notional != market.short_notional:
            found.append(f"law 2: {symbol}: the open notional per side is not the sum of the positions'")
        quote = market.quote
        if quote is None or quote.stale or market.candidate is not None or market.status == "halted":
            return
        longs, shorts = sums.longs, sums.shorts
        if longs and longs[0][0] <= -quote.bid:
            self._check_first(longs, -quote.bid, quote, found)
        if shorts and shorts[0][0] <= quote.ask:
            self._check_first(shorts, quote.ask, quote, found)

    def _check_first(self, levels: list[Level], key: int, quote: Quote, found: list[str]) -> None:
        """Look at the open position whose liquidation the price has reached first; what is stale is forgotten."""
        amounts, state = self._amounts, self._state
        while levels and levels[0][0] <= key:
            level, _, _, position = levels[0]
            known = amounts.get(position.position_id)
            if known is None or known.liquidation_price != abs(level):
                heappop(levels)
                continue
            price = quote.bid if position.side == "long" else quote.ask
            tick_value = state.instruments[position.symbol].tick_value
            if state.time - quote.heard_at < FRESH and is_overdue(position, price, tick_value):
                found.append(f"law 4: position {position.position_id} is liquidatable and open")
            return


def _amounts_of(position: Position) -> OpenAmounts:
    return OpenAmounts(position.quantity, position.entry_notional, position.margin, position.liquidation_price)
