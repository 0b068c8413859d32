"""How an account's figures come from the tables."""

from typing import Final

from api.account.schemas import Account
from api.amounts import money
from api.parts import Parts
from api.problems import REFUSALS, ApiError
from api.progress import wait_for
from projector import queries
from schemas.rejections import Rejection
from schemas.sharding import shard_of
from schemas.units import render

LEVEL_EXPONENT: Final = 4


async def find(parts: Parts, account_id: str) -> Account:
    """Give the caller's account."""
    row = await parts.database.ask(lambda db: queries.account(db, account_id))
    if row is None:
        # Whoever has just registered need not know that the tables are a moment behind.
        shard = shard_of(account_id, parts.settings.shards)
        await wait_for(parts, shard, parts.outcomes.seq(shard))
        row = await parts.database.ask(lambda db: queries.account(db, account_id))
    if row is None:
        raise ApiError(REFUSALS[Rejection.ACCOUNT_UNKNOWN], "The account is being opened; ask again")
    return account_of(account_id, row.cash, row.used_margin, row.unrealized_pnl)


def account_of(account_id: str, cash: int, used_margin: int, unrealized_pnl: int) -> Account:
    """Write an account's figures."""
    equity = cash + used_margin + unrealized_pnl
    level = equity * 10**LEVEL_EXPONENT // used_margin if used_margin else None
    return Account(
        account_id=account_id,
        balance=money(cash + used_margin),
        equity=money(equity),
        used_margin=money(used_margin),
        free_margin=money(cash),
        margin_level=None if level is None else render(level, LEVEL_EXPONENT),
        unrealized_pnl=money(unrealized_pnl),
    )
