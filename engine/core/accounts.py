"""Which money may come in and go out."""

from engine.core.bounds import BALANCE_MAX, DEPOSIT_DAY_MAX, DEPOSIT_WINDOW
from engine.core.context import CommandContext, header, rejected
from engine.core.division import div_floor
from engine.core.state import State
from schemas.commands import Deposit, OpenAccount, Withdraw
from schemas.events import AccountOpened, Deposited, Event, Withdrawn
from schemas.messages import Leg
from schemas.rejections import Rejection
from schemas.units import Micros


def deposit_day(time: int) -> int:
    """Give the day of log time, counted from 1970."""
    return div_floor(time, DEPOSIT_WINDOW)


def decide_open_account(state: State, command: OpenAccount, context: CommandContext) -> Event:
    """Open an account; its id was found free."""
    amount = Micros(command.first_deposit)
    if amount < 0:
        return rejected(state, context, Rejection.AMOUNT_NOT_POSITIVE, command.account_id)
    if amount > BALANCE_MAX:
        return rejected(state, context, Rejection.BALANCE_LIMIT, command.account_id)
    # From here on the command must succeed.
    legs = (Leg(source="EXTERNAL", target="CASH", amount=amount),) if amount else ()
    return AccountOpened(header(state, context, command.account_id, opens=True), first_deposit=amount, legs=legs)


def decide_deposit(state: State, command: Deposit, context: CommandContext) -> Event:
    """Bring money in, up to the day's limit and the account's."""
    account = state.accounts[command.account_id]
    amount = Micros(command.amount)
    if amount <= 0:
        return rejected(state, context, Rejection.AMOUNT_NOT_POSITIVE, command.account_id)
    today = account.deposited if account.deposit_day == deposit_day(context.time) else 0
    if today + amount > DEPOSIT_DAY_MAX:
        return rejected(state, context, Rejection.DEPOSIT_LIMIT, command.account_id)
    if account.cash + account.margin + amount > BALANCE_MAX:
        return rejected(state, context, Rejection.BALANCE_LIMIT, command.account_id)
    # From here on the command must succeed.
    legs = (Leg(source="EXTERNAL", target="CASH", amount=amount),)
    return Deposited(header(state, context, command.account_id), amount=amount, legs=legs)


def decide_withdraw(state: State, command: Withdraw, context: CommandContext) -> Event:
    """Take free money out: cash, never margin nor profit that is not realised."""
    amount = Micros(command.amount)
    if amount <= 0:
        return rejected(state, context, Rejection.AMOUNT_NOT_POSITIVE, command.account_id)
    if amount > state.accounts[command.account_id].cash:
        return rejected(state, context, Rejection.INSUFFICIENT_MARGIN, command.account_id)
    # From here on the command must succeed.
    legs = (Leg(source="CASH", target="EXTERNAL", amount=amount),)
    return Withdrawn(header(state, context, command.account_id), amount=amount, legs=legs)
