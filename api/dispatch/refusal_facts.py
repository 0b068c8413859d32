"""What is known beside a refusal, so that its bound can be said: the instrument, its price, the account's money."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.dispatch.account_lookup import account_lookup
from api.dispatch.unprojected import unprojected
from api.http.problems import ApiError
from api.pretrade.details import Facts, open_positions_max
from api.pretrade.preview import preview_of
from api.pretrade.standing import POSITIONS_MAX, Standing
from api.store.database import afterwards
from projector import queries
from schemas.command_groups import PositionCommand
from schemas.commands import ClientCommand, OpenPosition, ReduceOldest
from schemas.events import PositionOpened, PositionReduced
from schemas.rejections import Rejection
from schemas.units import INT64_MAX


async def facts_of(state: AppState, rejection: Rejection, command: ClientCommand) -> Facts:
    """Gather them as they are a moment after the refusal; what the database does not say now is not said."""
    try:
        async with afterwards():
            return await _gathered(state, rejection, command)
    except (SQLAlchemyError, ApiError) as error:
        structlog.get_logger().warning("a refusal is not explained", rejection=rejection.name, error=str(error))
        return Facts()


async def _gathered(state: AppState, rejection: Rejection, command: ClientCommand) -> Facts:
    shard = state.outcomes.shard_of(command.account_id)
    position = await _position(state, command)
    symbol = _symbol(command) if position is None else position[0]
    instrument = None if symbol is None else state.prices.instruments.get(symbol)
    price = None if symbol is None else state.prices.last_price(symbol)
    version = await state.broadcasts.in_force(shard)
    account_id, cash, limit = command.account_id, None, None
    if rejection is Rejection.INSUFFICIENT_MARGIN:
        account = await account_lookup(state).find(account_id)
        cash = None if account is None or not account.is_current else account.cash
    if rejection is Rejection.TOO_MANY_POSITIONS:
        limit = open_positions_max(await state.broadcasts.positions_max(shard), version)
    facts = Facts(version, instrument, price, cash, limit, size=None if position is None else position[1])
    return facts._replace(opened=_would_be(state, command, facts)) if isinstance(command, OpenPosition) else facts


def _symbol(command: ClientCommand) -> str | None:
    if isinstance(command, OpenPosition):
        return command.symbol
    return command.symbol if isinstance(command, ReduceOldest) else None


async def _position(state: AppState, command: ClientCommand) -> tuple[str, int] | None:
    """Give the symbol and the lots of the position a command is about; one just opened may be in no table yet."""
    if not isinstance(command, PositionCommand):
        return None
    account_id, position_id = command.account_id, command.position_id
    events = await unprojected(state).events_now(account_id)  # First: what is projected meanwhile is in the row.
    row = await state.database.ask(lambda db: queries.position(db, account_id, position_id))
    opened = state.recent_positions.opened(position_id, account_id)
    known = opened if row is None else row
    found = None if known is None else (known.symbol, known.quantity)
    for event in events:
        if isinstance(event, PositionOpened) and event.position_id == position_id:
            found = event.symbol, event.quantity
        elif isinstance(event, PositionReduced) and event.position_id == position_id:
            found = event.symbol, event.quantity_left
    return found


def _would_be(state: AppState, order: OpenPosition, facts: Facts) -> PositionOpened | None:
    """Give what the order would come to at the last price if nothing stood in the way."""
    if facts.instrument is None or facts.price is None or facts.rules_version is None:
        return None
    standing = Standing(
        account_id=order.account_id,
        shard=state.outcomes.shard_of(order.account_id),
        shards=state.outcomes.shards,
        rules_version=facts.rules_version,
        time=facts.price.heard_at,
        instrument=facts.instrument,
        status="open",
        price=facts.price,
        clock_suspect=False,
        cash=INT64_MAX,
        account_notional=0,
        open_positions=0,
        positions_max=POSITIONS_MAX,
        long_notional=0,
        short_notional=0,
    )
    return preview_of(standing, order).opened
