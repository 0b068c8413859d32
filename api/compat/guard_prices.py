"""From which price a slippage of seeds 000 and 001 is counted: the one now, and under a key the one of its first time.

The price is part of an order's content. Kept under the key, it makes the same request the same command again, so that
what is known of the key is answered or refused as everywhere (CMD-05).
"""

from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.dispatch.request_options import RequestOptions
from api.http.amounts import price as written
from api.http.problems import REFUSALS, ApiError
from api.store.tables import guard_prices
from schemas.derived import entry_price
from schemas.messages import Instrument, Side
from schemas.rejections import Rejection


class GuardPrice(NamedTuple):
    """The price (digits) an order's slippage is counted from. order_id: its command's."""

    order_id: str
    symbol: str
    side: Side
    price: str


async def guard_price(
    state: AppState, caller: SignedInUser, instrument: Instrument, side: Side, options: RequestOptions
) -> str:
    """Give the price; NO_PRICE where there is none, for without it the order would have no guard."""
    quote = state.prices.quote(instrument.symbol)
    now = None if quote is None else written(instrument, entry_price(side, quote.bid, quote.ask))
    if options.key is None:
        price = now
    else:
        order_id = options.command_id(caller.account_id)
        price = await state.database.ask(lambda db: _first(db, order_id, instrument.symbol, side, now))
    if price is None:
        raise ApiError(REFUSALS[Rejection.NO_PRICE])
    return price


def _first(db: Connection, order_id: str, symbol: str, side: Side, now: str | None) -> str | None:
    """Give what is kept, or keep the price now."""
    if now is not None:
        guard = GuardPrice(order_id, symbol, side, now)
        db.execute(insert(guard_prices).values(**guard._asdict()).on_conflict_do_nothing())
    columns = guard_prices.c
    kept = select(columns.price).where(columns.order_id == order_id, columns.symbol == symbol, columns.side == side)
    price: str | None = db.execute(kept).scalar_one_or_none()
    return price
