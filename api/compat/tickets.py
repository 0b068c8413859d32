"""How a seed's order becomes ours and is closed again, under whichever of our ids its client holds."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Final, NamedTuple

from api.accounts import service as accounts
from api.accounts.schemas import Account
from api.app_state import Parts
from api.auth.caller import Signed
from api.compat.names import instrument_named
from api.dispatch.dispatcher import Reply, Undecided
from api.dispatch.read_your_writes import HEADER as PLACE
from api.dispatch.read_your_writes import places, wait_for
from api.dispatch.request_options import Asked
from api.http.amounts import price
from api.http.problems import REFUSALS, ApiError, malformed
from api.orders import service as orders
from api.orders.schemas import Order, OrderRequest
from api.positions import service as positions
from api.positions.schemas import Position
from schemas.derived import entry_price
from schemas.messages import Instrument, Side
from schemas.rejections import Rejection

WHOLE: Final = 100  # leverage of 1x, in hundredths
NOT_OPEN: Final = REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404)
_POSITION: Final = re.compile(r"[0-9]{1,5}-[0-9]{1,19}", re.ASCII)


class Wanted(NamedTuple):
    """What a seed's client asks for. margin: micros; leverage: hundredths; quantity and prices: digits."""

    asset: str
    side: Side
    margin: int | None = None
    quantity: str | None = None
    leverage: int | None = None
    slippage_bps: int | None = None
    expected_price: str | None = None
    stop_loss: str | None = None
    take_profit: str | None = None


async def open_ticket(parts: Parts, caller: Signed, wanted: Wanted, asked: Asked) -> tuple[Order | None, Reply]:
    """Open a position; no order where its outcome is undecided."""
    instrument = instrument_named(parts, wanted.asset)
    request = OrderRequest.model_construct(
        symbol=instrument.symbol,
        side=wanted.side,
        margin=wanted.margin,
        quantity=wanted.quantity,
        leverage=WHOLE if wanted.leverage is None else wanted.leverage,
        slippage_bps=wanted.slippage_bps,
        expected_price=wanted.expected_price,
        stop_loss=wanted.stop_loss,
        take_profit=wanted.take_profit,
    )
    return await orders.place(parts, caller, request, asked)


async def known_order(parts: Parts, caller: Signed, asked: Asked) -> Order | None:
    """Give the order this key opened before, for a seed whose guard starts from the price of the moment."""
    if asked.key is None:
        return None
    try:
        order = await orders.find(parts, caller.account_id, asked.command_id(caller.account_id))
    except ApiError:
        return None
    return order if order.position_id is not None else None


async def close_ticket(parts: Parts, caller: Signed, ticket: str, asked: Asked) -> tuple[Position | None, Reply]:
    """Close a position, named by its own id or by its order's; no position where the outcome is undecided."""
    position_id = await _position_id(parts, caller.account_id, ticket)
    return await positions.close(parts, caller, position_id, asked)


async def find_ticket(parts: Parts, caller: Signed, ticket: str) -> Position:
    """Give one of the caller's positions."""
    return await positions.find(parts, caller.account_id, await _position_id(parts, caller.account_id, ticket))


async def account_after(parts: Parts, caller: Signed, reply: Reply) -> Account:
    """Give the account as a command left it, as far as a second's wait brings the tables there."""
    await until_shown(parts, reply)
    return await accounts.find(parts, caller.account_id)


async def until_shown(parts: Parts, reply: Reply) -> None:
    """Wait up to a second until the tables have what a command did."""
    if not isinstance(reply, Undecided):
        for shard, seq in places(reply.headers()[PLACE], parts.settings.shards):
            await wait_for(parts, shard, seq)


def price_now(parts: Parts, instrument: Instrument, side: Side) -> str | None:
    """Give the price a position would open at now, for a guard that starts from it; null without one."""
    quote = parts.prices.quote(instrument.symbol)
    return None if quote is None else price(instrument, entry_price(side, quote.bid, quote.ask))


def guard_price(instrument: Instrument, side: Side, text: str | None) -> str | None:
    """Bring a client's price, which may be between two ticks, to the stricter one; null stays null."""
    if text is None:
        return None
    try:
        rounding = ROUND_FLOOR if side == "long" else ROUND_CEILING
        return str(Decimal(text).quantize(Decimal(1).scaleb(-instrument.tick_exponent), rounding))
    except InvalidOperation as error:
        raise malformed("/currentPrice", "is beyond what the ledger can hold") from error


async def _position_id(parts: Parts, account_id: str, ticket: str) -> str:
    name = ticket.removeprefix("pos_")
    if _POSITION.fullmatch(name):
        return name
    try:
        order = await orders.find(parts, account_id, name)
    except ApiError as error:
        raise ApiError(NOT_OPEN) from error
    if order.position_id is None:
        raise ApiError(NOT_OPEN)
    return order.position_id
