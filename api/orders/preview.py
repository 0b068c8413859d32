"""What an order would cost, and why it would be refused: asked of the core, and of nobody else."""

from sqlalchemy import Connection

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.dispatch.request_options import RequestOptions
from api.http.amounts import leverage, money, money_or_null, price, price_or_null, quantity
from api.http.problems import REFUSALS, ApiError
from api.http.times import now
from api.orders.schemas import OrderRequest, PreviewRefusal, PreviewReply
from api.orders.service import command_of
from api.pretrade.details import Facts, explained
from api.pretrade.preview import Preview, preview_of
from api.pretrade.standing import HISTORY, POSITIONS_MAX, Standing
from projector import queries
from schemas.commands import OpenPosition
from schemas.rejections import Rejection

MILLISECOND = 1_000  # µs


async def preview(state: AppState, caller: SignedInUser, request: OrderRequest) -> PreviewReply:
    """Say what the order would come to now; nothing is put into the log."""
    order = command_of(state.prices, caller.account_id, request, RequestOptions(None, respond_async=False))
    standing = await _standing(state, order)
    return _written(standing, order, preview_of(standing, order))


async def _standing(state: AppState, order: OpenPosition) -> Standing:
    shard = state.outcomes.shard_of(order.account_id)
    time = now() + state.engine_lag.log_ahead(shard)
    rules_version = await state.broadcasts.in_force(shard)
    positions_max = await state.broadcasts.positions_max(shard) or POSITIONS_MAX
    prices, symbol = state.prices, order.symbol
    last_price = prices.last_price(symbol)

    def asked(db: Connection) -> Standing:
        figures = queries.opening_figures(db, order.account_id, symbol)
        if figures is None:
            raise ApiError(REFUSALS[Rejection.ACCOUNT_UNKNOWN], "The account is being opened; ask again")
        name = order.client_order_id
        used_at = None if name is None else queries.client_order_id_used_at(db, order.account_id, name)
        return Standing(
            account_id=order.account_id,
            shard=shard,
            shards=state.outcomes.shards,
            rules_version=rules_version,
            time=time,
            instrument=prices.instruments[symbol],
            status=prices.status(symbol),
            price=last_price,
            clock_suspect=prices.clock_suspect,
            positions_max=positions_max,
            outcomes=tuple(queries.recent_outcomes(db, order.account_id, time - HISTORY)),
            client_order_ids={} if name is None or used_at is None else {name: used_at},
            **figures._asdict(),
        )

    return await state.database.ask_consistently(asked)


def _written(standing: Standing, order: OpenPosition, found: Preview) -> PreviewReply:
    instrument, opened, quote = standing.instrument, found.opened, standing.price
    facts = Facts(standing.rules_version, instrument, quote, standing.cash, standing.positions_max, opened)
    cost = None if opened is None else opened.margin + opened.fee
    return PreviewReply(
        status="rejected" if found.refusals else "filled",
        refusals=[
            PreviewRefusal(code=rejection.name, detail=detail, details=details)
            for rejection, (detail, details) in ((each, explained(each, order, facts)) for each in found.refusals)
        ],
        symbol=order.symbol,
        side=order.side,
        price=None if opened is None else price(instrument, opened.price),
        price_age_ms=None if quote is None else max(0, standing.time - quote.heard_at) // MILLISECOND,
        quantity=None if opened is None else quantity(instrument, opened.quantity),
        notional=None if opened is None else money(opened.notional),
        margin=None if opened is None else money(opened.margin),
        leverage=leverage(order.leverage),
        fee=None if opened is None else money(opened.fee),
        close_fee=money_or_null(found.close_fee),
        liquidation_price=None
        if opened is None or not found.has_liquidation_price
        else price_or_null(instrument, opened.liquidation_price),
        loss_max=money_or_null(cost),
        free_margin_before=money(standing.cash),
        free_margin_after=None if cost is None else money(standing.cash - cost),
        warnings=[] if opened is None else list(opened.warnings),
    )
