"""How fills come from the tables."""

from api.amounts import money, money_or_null, price, quantity
from api.cursors import read_cursor, write_cursor
from api.fills.schemas import Fill, Fills
from api.parts import Parts
from api.times import text_of
from projector import queries


async def page(parts: Parts, account_id: str, symbol: str | None, limit: int, cursor: str | None) -> Fills:
    """List the caller's executions."""
    question = f"fills~{symbol or ''}"
    before = read_cursor(question, cursor)
    found = await parts.database.ask(
        lambda db: queries.fills(db, account_id, symbol=symbol, limit=limit, before=before)
    )
    return Fills(
        items=[_fill(parts, row) for row in found.items], next_cursor=write_cursor(question, found.next_cursor)
    )


def _fill(parts: Parts, row: queries.FillRow) -> Fill:
    instrument = parts.prices.instruments[row.symbol]
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
