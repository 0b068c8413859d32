"""What the log says happened, folded without the server's code: outcomes of commands, positions, and cash."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from reprise_client import Event
from schemas.instruments import BY_SYMBOL
from schemas.rejections import Rejection

MICROS = 6


class PositionState(NamedTuple):
    """A position since an event. seq: of that event; figures: as the API writes them, scaled."""

    seq: int
    figures: dict[str, Any]


class Balance(NamedTuple):
    """What an account has since an event, in micros."""

    seq: int
    cash: int
    used_margin: int


class Ledger:
    """The events of every shard, in order."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.outcomes: dict[str, list[Event]] = defaultdict(list)  # by the command's id
        self.positions: dict[str, list[PositionState]] = defaultdict(list)
        self.balances: dict[str, list[Balance]] = defaultdict(list)
        self.closes: dict[str, list[Event]] = defaultdict(list)  # by the command that closes all
        self.by_account: dict[str, list[Event]] = defaultdict(list)
        self.openings: list[Event] = []
        self.kinds: Counter[str] = Counter()
        for event in events:
            self._add(event)

    def executed(self, command_id: str) -> list[Event]:
        """Give a command's outcomes that are no refusal."""
        return [event for event in self.outcomes.get(command_id, []) if event.type != "CommandRejected"]

    def states(self, position_id: str, since: int) -> list[dict[str, Any]]:
        """Give what a position was from an event on."""
        return [state.figures for state in self.positions[position_id] if state.seq >= since]

    def cents(self, account_id: str, since: int) -> set[int]:
        """Give what was free in an account from an event on, in whole cents."""
        return {balance.cash // 10_000 for balance in self.balances[account_id] if balance.seq >= since}

    def _add(self, event: Event) -> None:
        fields = event.fields
        self.kinds[event.type] += 1
        account_id, command_id = fields["account_id"], fields["command_id"]
        if account_id is not None:
            self.by_account[account_id].append(event)
        if event.type == "AccountOpened":
            self.openings.append(event)
        if command_id is not None and fields["index"] == 0 and not is_duplicate(event):
            self.outcomes[command_id].append(event)
        if event.type.startswith("Position") or event.type == "StopsAmended":
            states = self.positions[fields["position_id"]]
            before = states[-1].figures if states else {}
            states.append(PositionState(fields["seq"], before | changed(event, before)))
        if event.type == "PositionClosed" and command_id is not None and fields["index"] > 0:
            self.closes[command_id].append(event)
        if "legs" in fields and account_id is not None:
            last = self.balances[account_id][-1] if self.balances[account_id] else Balance(0, 0, 0)
            self.balances[account_id].append(
                Balance(
                    fields["seq"],
                    last.cash + posted(fields["legs"], "CASH"),
                    last.used_margin + posted(fields["legs"], "MARGIN"),
                )
            )


def is_duplicate(event: Event) -> bool:
    """Whether an event says no more than that its command's id was used before."""
    reused = event.fields.get("rejection") == Rejection.COMMAND_ID_REUSED
    return event.type == "CommandRepeated" or (event.type == "CommandRejected" and reused)


def posted(legs: list[dict[str, Any]], book: str) -> int:
    """Give by how much legs change a book."""
    return sum(leg["amount"] * ((leg["target"] == book) - (leg["source"] == book)) for leg in legs)


def money(micros: int) -> Decimal:
    return Decimal(micros).scaleb(-MICROS)


def price(symbol: str, ticks: int | None) -> Decimal | None:
    return None if ticks is None else Decimal(ticks).scaleb(-BY_SYMBOL[symbol].tick_exponent)


def quantity(symbol: str, lots: int) -> Decimal:
    return Decimal(lots).scaleb(-BY_SYMBOL[symbol].lot_exponent)


def changed(event: Event, before: dict[str, Any]) -> dict[str, Any]:
    """Give the figures of a position that an event sets."""
    fields, symbol = event.fields, event.fields["symbol"]
    realized = before.get("realized_pnl") or Decimal(0)
    match event.type:
        case "PositionOpened":
            return {
                "id": fields["position_id"],
                "symbol": symbol,
                "side": fields["side"],
                "status": "open",
                "quantity": quantity(symbol, fields["quantity"]),
                "entry_price": price(symbol, fields["price"]),
                "margin": money(fields["margin"]),
                "leverage": Decimal(fields["leverage"]).scaleb(-2),
                "liquidation_price": price(symbol, fields["liquidation_price"]),
                "stop_loss": price(symbol, fields["stop_loss"]),
                "take_profit": price(symbol, fields["take_profit"]),
                "realized_pnl": None,
                "close_price": None,
                "close_reason": None,
                "receipt_id": None,
            }
        case "StopsAmended":
            return {name: price(symbol, fields[name]) for name in ("stop_loss", "take_profit")}
        case "PositionReduced":
            return {
                "quantity": quantity(symbol, fields["quantity_left"]),
                "margin": money(fields["margin_left"]),
                "liquidation_price": price(symbol, fields["liquidation_price"]),
                "realized_pnl": realized + money(fields["profit"]),
            }
        case _:
            return {
                "status": "closed",
                "close_price": price(symbol, fields["price"]),
                "realized_pnl": realized + money(fields["profit"] + fields["shortfall"]),
                "close_reason": fields["reason"],
                "receipt_id": f"{event.shard}-{fields['seq']}",
            }
