"""The laws every ledger keeps, looked up in a state: what must be true after each command."""

from engine.core.liquidation import is_overdue
from engine.core.market import quote_of
from engine.core.prices import condition
from engine.core.state import State


def broken(state: State) -> list[str]:
    """Give a sentence for each law that does not hold; none for a sound ledger. Looks at every account and position."""
    return [
        *_books_balance(state),
        *_house_mirrors_clients(state),
        *_accounts_are_sound(state),
        *_nobody_is_overdue(state),
    ]


def _books_balance(state: State) -> list[str]:
    clients = sum(account.cash + account.margin for account in state.accounts.values())
    total = clients + state.house + state.fees + state.insurance + state.external
    failures = []
    if total != 0:
        failures.append(f"law 1: the sum of all ledger accounts is {total}, not 0")
    if state.insurance < 0:
        failures.append(f"law 6: INSURANCE is {state.insurance}")
    return failures


def _house_mirrors_clients(state: State) -> list[str]:
    sizes = dict.fromkeys(state.markets, 0)
    notionals: dict[tuple[str, str], int] = {}
    for position in state.positions.values():
        sizes[position.symbol] += position.quantity if position.side == "long" else -position.quantity
        key = (position.symbol, position.side)
        notionals[key] = notionals.get(key, 0) + position.entry_notional
    failures = []
    for symbol, market in state.markets.items():
        if sizes[symbol] + market.house_quantity != 0:
            failures.append(f"law 2: {symbol}: clients hold {sizes[symbol]} lots, the house {market.house_quantity}")
        if (notionals.get((symbol, "long"), 0), notionals.get((symbol, "short"), 0)) != (
            market.long_notional,
            market.short_notional,
        ):
            failures.append(f"law 2: {symbol}: the open notional per side is not the sum of the positions'")
    return failures


def _accounts_are_sound(state: State) -> list[str]:
    margins = dict.fromkeys(state.accounts, 0)
    failures = []
    for position in state.positions.values():
        margins[position.account_id] += position.margin
        if position.quantity <= 0 or position.entry_notional <= 0 or position.margin <= 0:
            failures.append(f"law 5: position {position.position_id} is open with no size, cost or margin")
    for account_id, account in state.accounts.items():
        if account.cash < 0:
            failures.append(f"law 3: account {account_id} has cash {account.cash}")
        if account.margin != margins[account_id]:
            failures.append(
                f"law 5: account {account_id} has margin {account.margin}, its positions {margins[account_id]}"
            )
    return failures


def _nobody_is_overdue(state: State) -> list[str]:
    trading = {
        symbol: None
        for symbol, market in state.markets.items()
        if market.status != "halted" and condition(state, symbol, state.time) == "fresh"
    }
    return [
        f"law 4: position {position.position_id} is liquidatable and open"
        for position in state.positions.values()
        if position.symbol in trading
        and is_overdue(position, quote_of(state, position.symbol), state.instruments[position.symbol].tick_value)
    ]
