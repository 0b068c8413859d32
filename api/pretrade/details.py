"""Which bound a refusal of the core is about and what was sent, in a sentence and in numbers."""

from typing import Final, NamedTuple

from api.http.amounts import leverage, money, price, quantity
from api.http.problems import REFUSALS
from api.http.sentences import Details, shown
from api.pretrade.standing import LastPrice
from engine.core.bounds import (
    BALANCE_MAX,
    DEADLINE_MAX,
    DEPOSIT_DAY_MAX,
    MEMORY,
    POSITIONS_MAX,
    REMEMBERED_MAX,
    WITHDRAWALS_MAX,
)
from engine.core.rules import RULES
from schemas.bounds import PRICE_AGE_MAX
from schemas.command_groups import PositionCommand
from schemas.commands import ClientCommand, Deposit, OpenAccount, OpenPosition, ReduceOldest, ReducePosition, Withdraw
from schemas.derived import exit_price
from schemas.events import PositionOpened
from schemas.messages import Instrument
from schemas.rejections import Rejection

MILLISECOND: Final = 1_000  # µs
MINUTE: Final = 60_000 * MILLISECOND
Explained = tuple[str, Details | None]


class Facts(NamedTuple):
    """What is known when a command is refused; null where it is not. cash: micros; size: lots of the position.

    opened: what the core says it would have opened.
    """

    rules_version: int | None = None
    instrument: Instrument | None = None
    price: LastPrice | None = None
    cash: int | None = None
    positions_max: int | None = None
    opened: PositionOpened | None = None
    size: int | None = None


def open_age_max(instrument: Instrument, rules_version: int) -> int | None:
    """Give how long ago (µs) a price may have been heard for an opening; null for as long as it is fresh."""
    return RULES[rules_version].open_age_max if instrument.open_age_max is None else instrument.open_age_max


def open_positions_max(limit: int | None, rules_version: int) -> int | None:
    """Give how many open positions an account may have, where a broadcast set this limit or none; null for any."""
    return (limit or POSITIONS_MAX) if RULES[rules_version].positions_limited else None


def explained(rejection: Rejection, command: ClientCommand, facts: Facts) -> Explained:
    """Say why a command was refused, with the bound and what was sent as far as they are known."""
    title = REFUSALS[rejection].title
    details = _of_money(rejection, command, facts) or _of_command(rejection, command, facts)
    if details is None and facts.instrument is not None:
        details = _of_market(rejection, command, facts, facts.instrument)
    if not details:
        return title, None
    return f"{title}: {', '.join(f'{_words(name)} {value}' for name, value in details.items())}", details


def _words(name: str) -> str:
    """Write a member's name as words: `leverage_max` is the leverage max."""
    return name.replace("_", " ")


def _of_money(rejection: Rejection, command: ClientCommand, facts: Facts) -> Details | None:
    amount = _amount(command)
    match rejection:
        case Rejection.DEPOSIT_LIMIT:
            return {"sent": amount, "deposits_of_a_day_max": money(DEPOSIT_DAY_MAX)}
        case Rejection.BALANCE_LIMIT:
            return {"sent": amount, "balance_max": money(BALANCE_MAX)}
        case Rejection.INSUFFICIENT_MARGIN:
            opened = facts.opened
            free: Details = {} if facts.cash is None else {"free_margin": money(facts.cash)}
            if opened is not None:
                return {"margin": money(opened.margin), "fee": money(opened.fee)} | free
            return ({"sent": amount} if amount else {}) | free
        case Rejection.AMOUNT_NOT_POSITIVE:
            return {"above": 0, "sent": _sent(command, facts) or amount}
        case _:
            return None


def _sent(command: ClientCommand, facts: Facts) -> str:
    """Write the quantity a command is about; empty where it is about none."""
    instrument, part = facts.instrument, _lots_to_close(command)
    if instrument is None:
        return ""
    if isinstance(command, OpenPosition):
        return _size(command, instrument)
    return "" if part is None else quantity(instrument, part)


def _of_command(rejection: Rejection, command: ClientCommand, facts: Facts) -> Details | None:
    match rejection:
        case Rejection.TOO_MANY_COMMANDS:
            most = WITHDRAWALS_MAX if isinstance(command, Withdraw) else REMEMBERED_MAX
            return {"commands_max": most, "minutes": MEMORY // MINUTE}
        case Rejection.DEADLINE_TOO_FAR:
            return {"deadline_minutes_max": DEADLINE_MAX // MINUTE}
        case Rejection.TOO_MANY_POSITIONS:
            return {"open_positions_max": facts.positions_max or POSITIONS_MAX}
        case Rejection.CLIENT_ORDER_ID_USED if isinstance(command, OpenPosition):
            return {"client_order_id": str(command.client_order_id)}
        case Rejection.POSITION_NOT_OPEN if isinstance(command, PositionCommand):
            return {"position_id": shown(command.position_id)}
        case Rejection.ACCOUNT_UNKNOWN | Rejection.ACCOUNT_EXISTS | Rejection.ACCOUNT_CLOSED:
            return {"account_id": command.account_id}
        case _:
            return None


def _of_market(rejection: Rejection, command: ClientCommand, facts: Facts, instrument: Instrument) -> Details | None:
    symbol: Details = {"symbol": instrument.symbol}
    part = _lots_to_close(command)
    match rejection:
        case Rejection.MARKET_HALTED | Rejection.MARKET_CLOSE_ONLY | Rejection.NO_PRICE | Rejection.PRICE_UNCONFIRMED:
            return symbol
        case Rejection.PRICE_STALE:
            return symbol | {"price_age_max_ms": PRICE_AGE_MAX // MILLISECOND}
        case Rejection.PRICE_TOO_OLD if facts.rules_version is not None:
            return symbol | {"open_age_max_ms": (open_age_max(instrument, facts.rules_version) or 0) // MILLISECOND}
        case Rejection.ABOVE_MAXIMUM if part is not None:
            held: Details = {} if facts.size is None else {"maximum": quantity(instrument, facts.size)}
            return held | {"sent": quantity(instrument, part)}
        case Rejection.BELOW_MINIMUM if part is not None:
            least = quantity(instrument, instrument.quantity_min)
            return {"quantity_min_of_the_rest": least, "sent": quantity(instrument, part)}
        case _:
            return _of_order(rejection, command, facts, instrument) if isinstance(command, OpenPosition) else None


def _of_order(rejection: Rejection, order: OpenPosition, facts: Facts, instrument: Instrument) -> Details | None:
    sent, opened, now = _size(order, instrument), facts.opened, _prices(order, facts, instrument)
    come_to: Details = {} if opened is None else {"notional": money(opened.notional)}
    match rejection:
        case Rejection.LEVERAGE_OUT_OF_RANGE:
            bounds: Details = {
                "leverage_min": leverage(instrument.leverage_min),
                "leverage_max": leverage(instrument.leverage_max),
            }
            return bounds | {"sent": leverage(order.leverage)}
        case Rejection.SLIPPAGE_EXCEEDED:
            bps = instrument.slippage_bps if order.slippage_bps is None else order.slippage_bps
            allowed: Details = {"expected_price": _ticks(instrument, order.expected_price), "slippage_bps": bps}
            return allowed | now
        case Rejection.BELOW_MINIMUM:
            return {"quantity_min": quantity(instrument, instrument.quantity_min), "sent": sent}
        case Rejection.ABOVE_MAXIMUM:
            return {"quantity_max": quantity(instrument, instrument.quantity_max), "sent": sent}
        case Rejection.POSITION_NOTIONAL_LIMIT:
            return {"notional_max": money(instrument.notional_max)} | come_to | {"sent": sent}
        case Rejection.ACCOUNT_NOTIONAL_LIMIT:
            return {"account_notional_max": money(instrument.account_notional_max)} | come_to | {"sent": sent}
        case Rejection.SIDE_NOTIONAL_LIMIT:
            return {"side_notional_max": money(instrument.side_notional_max)} | come_to | {"sent": sent}
        case Rejection.STOP_LOSS_WRONG_SIDE:
            return {"sent": _ticks(instrument, order.stop_loss)} | now
        case Rejection.TAKE_PROFIT_WRONG_SIDE:
            return {"sent": _ticks(instrument, order.take_profit)} | now
        case Rejection.LIQUIDATABLE_AT_ONCE:
            return {"leverage": leverage(order.leverage), "sent": sent} | now
        case _:
            return None


def _amount(command: ClientCommand) -> str:
    """Write the money a command is about; empty where it is about none."""
    if isinstance(command, OpenPosition):
        return "" if command.margin is None else money(command.margin)
    if isinstance(command, OpenAccount):
        return money(command.first_deposit)
    if isinstance(command, Deposit):
        return money(command.amount)
    return money(command.amount) if isinstance(command, Withdraw) else ""


def _lots_to_close(command: ClientCommand) -> int | None:
    """Give the part that a command closes; null where it closes none."""
    if isinstance(command, ReducePosition):
        return command.quantity
    return command.quantity if isinstance(command, ReduceOldest) else None


def _size(order: OpenPosition, instrument: Instrument) -> str:
    if order.quantity is None:
        return f"{money(order.margin or 0)} of margin at {leverage(order.leverage)}x"
    return quantity(instrument, order.quantity)


def _ticks(instrument: Instrument, ticks: int | None) -> str:
    return "" if ticks is None else price(instrument, ticks)


def _prices(order: OpenPosition, facts: Facts, instrument: Instrument) -> Details:
    quote = facts.price
    if quote is None:
        return {}
    return {
        "bid": price(instrument, quote.bid),
        "ask": price(instrument, quote.ask),
        "exit_price": price(instrument, exit_price(order.side, quote.bid, quote.ask)),
    }
