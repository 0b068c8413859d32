"""How an account's figures, ledger lines, fills and events come from the tables."""

from base64 import b64decode
from typing import Any, Final

from api.accounts.schemas import AccountEventReply, AccountEvents, AccountReply, Fill, Fills, LedgerLine, LedgerLines
from api.dispatch.account_lookup import AccountFigures, AccountLookup
from api.http.amounts import margin_level, money, money_or_null, price, quantity
from api.http.cursors import read_cursor, write_cursor
from api.http.problems import REFUSALS, ApiError
from api.http.times import text_of
from api.log.price_cache import PriceCache
from api.store.database import Database
from projector import queries
from schemas.rejections import Rejection

_LEDGER: Final = "ledger"  # the question its cursors belong to


async def find(accounts: AccountLookup, account_id: str) -> AccountReply:
    """Give the caller's account, as far as it is known."""
    return _reply(account_id, await accounts.find(account_id))


async def current(accounts: AccountLookup, account_id: str) -> AccountReply:
    """Give the caller's account as its last event left it; ApiError where nobody knows that now."""
    return _reply(account_id, await accounts.current(account_id))


def _reply(account_id: str, figures: AccountFigures | None) -> AccountReply:
    if figures is None:
        raise ApiError(REFUSALS[Rejection.ACCOUNT_UNKNOWN], "The account is being opened; ask again")
    return account_of(account_id, figures.cash, figures.used_margin, figures.unrealized_pnl)


def account_of(account_id: str, cash: int, used_margin: int, unrealized_pnl: int) -> AccountReply:
    """Write an account's figures."""
    equity = cash + used_margin + unrealized_pnl
    return AccountReply(
        account_id=account_id,
        balance=money(cash + used_margin),
        equity=money(equity),
        used_margin=money(used_margin),
        free_margin=money(cash),
        margin_level=margin_level(equity, used_margin),
        unrealized_pnl=money(unrealized_pnl),
    )


async def ledger_lines(database: Database, account_id: str, limit: int, cursor: str | None) -> LedgerLines:
    """List the caller's lines."""
    before = read_cursor(_LEDGER, cursor)
    found = await database.ask(lambda db: queries.ledger(db, account_id, limit=limit, before=before))
    return LedgerLines(
        items=[line_of(row) for row in found.items], next_cursor=write_cursor(_LEDGER, found.next_cursor)
    )


def line_of(row: queries.LedgerRow) -> LedgerLine:
    """Write a line."""
    return LedgerLine(
        id=row.line_id,
        time=text_of(row.time),
        kind=row.kind,
        amount=money(row.amount),
        balance_after=money(row.balance_after),
        position_id=row.position_id,
        event_id=row.event_id,
    )


async def fills(
    database: Database, prices: PriceCache, account_id: str, symbol: str | None, limit: int, cursor: str | None
) -> Fills:
    """List the caller's executions."""
    question = f"fills~{symbol or ''}"
    before = read_cursor(question, cursor)
    found = await database.ask(lambda db: queries.fills(db, account_id, symbol=symbol, limit=limit, before=before))
    return Fills(
        items=[_fill(prices, row) for row in found.items], next_cursor=write_cursor(question, found.next_cursor)
    )


def _fill(prices: PriceCache, row: queries.FillRow) -> Fill:
    instrument = prices.instruments[row.symbol]
    return Fill(
        id=row.event_id,
        time=text_of(row.time),
        order_id=row.order_id,
        position_id=row.position_id,
        symbol=row.symbol,
        side=row.side,
        action=row.action,
        price=price(instrument, row.price),
        quantity=quantity(instrument, row.quantity),
        fee=money(row.fee),
        realized_pnl=money_or_null(row.realized_pnl),
        reason=row.reason,
        event_id=row.event_id,
    )


async def events(database: Database, account_id: str, after_seq: int, limit: int, cursor: str | None) -> AccountEvents:
    """List the caller's events after one of them."""
    question = f"events~{after_seq}"
    before = read_cursor(question, cursor)
    after = after_seq if before is None else before
    found = await database.ask(lambda db: queries.account_events(db, account_id, after=after, limit=limit))
    return AccountEvents(
        items=[
            AccountEventReply(
                event_id=row.event_id,
                seq=row.account_seq,
                time=text_of(row.time),
                type=row.type,
                data=_in_hex(row.event),
            )
            for row in found.items
        ],
        next_cursor=write_cursor(question, found.next_cursor),
    )


def _in_hex(event: dict[str, Any]) -> dict[str, Any]:
    """Write an event's bytes as everywhere else, in hex digits; the tables have them in base64."""
    content = event.get("command_hash")
    return event if content is None else event | {"command_hash": b64decode(content).hex()}
