"""Which command ids are remembered, what each is counted under, and when it is forgotten."""

from collections import deque
from typing import Final, Literal

from engine.core.accounts import deposit_day
from engine.core.bounds import MEMORY, REMEMBERED_MAX, WITHDRAWALS_MAX
from engine.core.rules import RULES, Rules
from engine.core.state import RememberedId, State
from schemas import command_groups as commands
from schemas.commands import AmendStops, ClientCommand, Deposit, OpenPosition, Withdraw
from schemas.events import (
    AccountOpened,
    AllClosed,
    CommandRejected,
    Deposited,
    Event,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    StopsAmended,
    Withdrawn,
)
from schemas.ledger_records import Account, Remembered
from schemas.record import replace
from schemas.units import Timestamp

BudgetName = Literal["commands", "exits", "closes", "amendments", "withdrawals"]

# Version 1 counts by the kind of the command, under the first two.
EXITS: Final = (PositionClosed, PositionReduced, OldestReduced, AllClosed, StopsAmended)
EXIT_COMMANDS: Final = tuple(command.__name__ for command in commands.EXITS)
EXITS_BEFORE: Final[dict[type, BudgetName]] = dict.fromkeys(commands.EXITS, "exits")
EXITS_AFTER: Final[dict[type, BudgetName]] = dict.fromkeys(EXITS, "exits")
# Version 2 counts by what it came to. What is sure before, unless the command is refused:
COUNTED_BEFORE: Final[dict[type, BudgetName]] = {
    Deposit: "commands",
    OpenPosition: "commands",
    AmendStops: "amendments",
    Withdraw: "withdrawals",
}
COUNTED_AFTER: Final[dict[type, BudgetName]] = {
    AccountOpened: "commands",
    Deposited: "commands",
    PositionOpened: "commands",
    PositionClosed: "closes",
    StopsAmended: "amendments",
    Withdrawn: "withdrawals",
    CommandRejected: "exits",
    PositionReduced: "exits",
    OldestReduced: "exits",  # where it closes no position whole
    AllClosed: "exits",  # where it closes nothing
}
MOST: Final[dict[BudgetName, int | None]] = {
    "commands": REMEMBERED_MAX,
    "exits": REMEMBERED_MAX,
    "closes": None,  # a position closes once
    "amendments": REMEMBERED_MAX,
    "withdrawals": WITHDRAWALS_MAX,
}


def is_spent(account: Account, budget: BudgetName, time: int) -> bool:
    """Say whether no further id can be remembered: as many as allowed, and the oldest not yet forgotten."""
    ids: dict[str, Remembered] = getattr(account, budget)
    most = MOST[budget]
    if most is None or len(ids) < most:
        return False
    return next(iter(ids.values())).time + MEMORY > time


def known_id(account: Account, command_id: str, time: int) -> Remembered | None:
    """Find an id that was decided within the last ten minutes of log time."""
    for ids in (account.commands, account.exits, account.closes, account.amendments, account.withdrawals):
        if command_id in ids:
            entry = ids[command_id]
            if entry.time + MEMORY > time:
                return entry
    return None


def budget_before(command: ClientCommand, rules: Rules) -> BudgetName | None:
    """Give what a command is counted under whatever comes of it, unless it is refused; null where that depends."""
    if rules.budgets:
        return COUNTED_BEFORE.get(type(command))
    return EXITS_BEFORE.get(type(command), "commands")


def budget_after(account: Account, outcome: Event, rules: Rules) -> BudgetName:
    """Give what an account's command is counted under once its outcome is known, and before a position changes."""
    if rules.budgets:
        name = COUNTED_AFTER[type(outcome)]
        return "closes" if name == "exits" and _closes_whole(account, outcome) else name
    if isinstance(outcome, CommandRejected):
        return "exits" if outcome.command in EXIT_COMMANDS else "commands"
    return EXITS_AFTER.get(type(outcome), "commands")


def _closes_whole(account: Account, outcome: Event) -> bool:
    """Say whether positions close by an event that is not of one position: all that are reached but the last do."""
    if isinstance(outcome, AllClosed):
        return outcome.positions > 0
    if not isinstance(outcome, OldestReduced):
        return False
    kind = (outcome.symbol, outcome.side, outcome.leverage)
    held = [each for each in account.positions.values() if (each.symbol, each.side, each.leverage) == kind]
    oldest = min(held, key=lambda each: each.number, default=None)
    return outcome.positions > 1 or (oldest is not None and outcome.quantity >= oldest.quantity)


def remember(state: State, account: Account, outcome: Event, command_id: str, entry: Remembered) -> None:
    """Keep a command's id for ten minutes, and drop those of the same budget whose time is over."""
    rules = RULES[state.rules_version]
    ids: dict[str, Remembered] = getattr(account, budget_after(account, outcome, rules))
    while ids:
        oldest = next(iter(ids))
        if ids[oldest].time + MEMORY > entry.time:
            break
        del ids[oldest]
    ids[command_id] = entry
    if rules.forgotten_each_command:
        state.remembered.append(RememberedId(entry.offset, entry.time, account.account_id, command_id))
        _drop_old_names(account, entry.time)


def forget_oldest(state: State, time: int, most: int) -> None:
    """Drop the shard's oldest ids whose time is over, at most so many, so that silent accounts keep none for ever."""
    waiting = state.remembered
    while most and waiting and waiting[0].time + MEMORY <= time:
        offset, _, account_id, command_id = waiting.popleft()
        account = state.accounts[account_id]
        for ids in _all_ids(account):
            entry = ids.get(command_id)
            if entry is not None and entry.offset == offset:  # Else the account itself has dropped it.
                if state.copying is not None:
                    state.copying.keep(account)
                del ids[command_id]
                if not ids:
                    ids.clear()  # A dict that was emptied keeps its table, as large as most of a position.
                _drop_old_names(account, time)
                most -= 1
                break


def bring_back(state: State, account: Account, now: Timestamp) -> bool:
    """Let what was decided at a time that is still to come count as decided now; whether there was any."""
    day = deposit_day(now)
    ahead = [(ids, name) for ids in _all_ids(account) for name, entry in ids.items() if entry.time > now]
    names = [name for name, time in account.client_order_ids.items() if time > now]
    if not ahead and not names and account.deposit_day <= day:
        return False
    if state.copying is not None:
        state.copying.keep(account)
    for ids, name in ahead:
        ids[name] = replace(ids[name], time=now)
    for name in names:
        account.client_order_ids[name] = now
    account.deposit_day = min(account.deposit_day, day)
    return True


def remembered_ids(accounts: list[Account]) -> "deque[RememberedId]":
    """Give the ids of all accounts in the order in which they were decided."""
    found = [
        RememberedId(entry.offset, entry.time, account.account_id, command_id)
        for account in accounts
        for ids in _all_ids(account)
        for command_id, entry in ids.items()
    ]
    return deque(sorted(found))


def _all_ids(account: Account) -> tuple[dict[str, Remembered], ...]:
    return account.commands, account.exits, account.closes, account.amendments, account.withdrawals


def _drop_old_names(account: Account, time: int) -> None:
    """Drop the client order ids that no longer keep a second position from being opened."""
    names = account.client_order_ids
    while names:
        oldest = next(iter(names))
        if names[oldest] + MEMORY > time:
            break
        del names[oldest]
