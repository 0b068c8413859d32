"""The API's services: venue keys stored, found and revoked; orders pending at once, updated, listed, netted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from api.app_state import AppState
from api.http.problems import ApiError
from api.log.venue_channel import VenueUpdate
from api.main import build
from api.store.tables import users
from api.store.users import User
from api.venue import keys, service
from api.venue.service import VenueOrderRequest
from projector.rebuild import rebuild
from tests.processes import eventually
from tests.venue.venue_setup import Trader, VenueSetup

SMALL = VenueOrderRequest("BTCUSDT", "buy", "MARKET", "0.02")
JWT_SECRET = "a-key-of-the-tests-of-at-least-32-bytes"


@asynccontextmanager
async def api(venue: VenueSetup) -> AsyncIterator[AppState]:
    """The API's parts, of which those that are the venue's are started."""
    state = build(venue.settings, JWT_SECRET)
    await asyncio.to_thread(state.venue.start, asyncio.get_running_loop())
    try:
        yield state
    finally:
        await asyncio.to_thread(state.venue.stop)
        state.database.close()


def with_api(venue: VenueSetup, work: Callable[[AppState], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with api(venue) as state:
            await work(state)

    asyncio.run(run())


@pytest.fixture
def user(venue: VenueSetup) -> User:
    user = User(uuid4(), f"{uuid4().hex}@example.com", None, "user", str(uuid4()), account_opened=False)
    with venue.engine.begin() as db:
        db.execute(insert(users).values(**user._asdict(), password_hash="-"))
    return user


@pytest.fixture
def trader(venue: VenueSetup, user: User) -> Trader:
    """The user, with keys that the venue knows."""
    trader = Trader(user.user_id, user.account_id, f"api-key-{uuid4().hex}", f"secret-{uuid4().hex}")
    venue.testnet.open_account(trader.api_key, trader.secret)
    with_api(
        venue, lambda state: keys.store(state.settings, state.database, user.user_id, trader.api_key, trader.secret)
    )
    return trader


def test_venue_keys_are_stored_sealed_and_never_returned(venue: VenueSetup, user: User) -> None:
    api_key, secret = f"api-key-{uuid4().hex}", f"secret-{uuid4().hex}"

    async def work(state: AppState) -> None:
        assert not await keys.has(state.database, user.user_id)
        await keys.store(state.settings, state.database, user.user_id, "older", "older")
        await keys.store(state.settings, state.database, user.user_id, api_key, secret)
        assert await keys.has(state.database, user.user_id)
        for wrong in ("", "two words", "schlüssel", "x" * 513):
            with pytest.raises(ApiError, match="MALFORMED"):
                await keys.store(state.settings, state.database, user.user_id, wrong, secret)

    with_api(venue, work)
    with venue.engine.connect() as db:
        rows = db.execute(text("SELECT * FROM auth.venue_keys WHERE user_id = :user"), {"user": user.user_id}).all()
    assert len(rows) == 1
    assert api_key not in str(rows)
    assert secret not in str(rows)


def test_an_order_is_pending_and_listed_at_once_and_its_updates_come_in_order_from_the_worker(
    venue: VenueSetup, trader: Trader
) -> None:
    told: list[VenueUpdate] = []

    async def work(state: AppState) -> None:
        end = state.venue.listen(trader.account_id, told.append)
        order_id = await service.place(state.database, state.venue, trader.account_id, SMALL)
        assert [
            (row.order_id, row.status) for row in (await service.orders(state.database, trader.account_id, 10)).items
        ] == [(order_id, "pending")]
        with venue.worker("service"):
            await asyncio.to_thread(eventually, lambda: told, lambda seen: seen and seen[-1].status == "filled", 30)
        assert [update.status for update in told] == ["pending", "accepted", "filled"]
        assert told[-1].executed_quantity == "0.02"
        end()
        await service.place(
            state.database, state.venue, trader.account_id, SMALL, order_id
        )  # A repeat is the same order.
        assert len(told) == 3
        assert len((await service.orders(state.database, trader.account_id, 10)).items) == 1
        row = eventually(lambda: venue.position_row(trader.account_id), lambda seen: seen is not None)
        assert row is not None
        assert (row.quantity, row.average_entry_price) == (Decimal("0.02"), Decimal(50_000))

    with_api(venue, work)


def test_another_user_s_order_is_not_found(venue: VenueSetup, user: User) -> None:
    async def work(state: AppState) -> None:
        order_id = await service.place(state.database, state.venue, user.account_id, SMALL)
        with pytest.raises(ApiError, match="NOT_FOUND"):
            await service.cancel(state.database, state.venue, "somebody-else", order_id)
        with pytest.raises(ApiError, match="NOT_FOUND"):
            await service.order(state.database, "somebody-else", order_id)

    with_api(venue, work)


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbol": "btc usdt"},
        {"quantity": "-1"},
        {"quantity": "1e3"},
        {"quantity": "NaN"},
        {"price": "0x10"},
        {"type": "market; drop"},
        {"time_in_force": ""},
    ],
)
def test_a_malformed_order_is_refused_and_never_appended(venue: VenueSetup, user: User, wrong: dict[str, Any]) -> None:
    async def work(state: AppState) -> None:
        with pytest.raises(ApiError, match="MALFORMED"):
            await service.place(state.database, state.venue, user.account_id, SMALL._replace(**wrong))

    with_api(venue, work)


def test_pages_of_orders_are_newest_first(venue: VenueSetup, user: User) -> None:
    async def work(state: AppState) -> None:
        ids = [await service.place(state.database, state.venue, user.account_id, SMALL) for _ in range(3)]
        first = await service.orders(state.database, user.account_id, 2)
        second = await service.orders(state.database, user.account_id, 2, first.next_cursor)
        assert [row.order_id for row in first.items + second.items] == ids[::-1]
        assert second.next_cursor is None

    with_api(venue, work)


@pytest.mark.slow
def test_after_venue_keys_are_revoked_no_order_is_sent(venue: VenueSetup, trader: Trader) -> None:
    async def work(state: AppState) -> None:
        waiting = await service.place(state.database, state.venue, trader.account_id, SMALL)
        assert await keys.revoke(state.database, trader.user_id)
        assert not await keys.revoke(state.database, trader.user_id)
        with venue.worker("revoked"):
            await asyncio.to_thread(venue.wait_for, trader, waiting, "rejected", timeout_s=30)
        row = await service.order(state.database, trader.account_id, waiting)
        assert (row.status, row.code) == ("rejected", "NO_KEYS")

    with_api(venue, work)


def test_a_rebuild_makes_identical_rows_of_venue_orders_and_positions(venue: VenueSetup, trader: Trader) -> None:
    def rows() -> list[Any]:
        with venue.engine.connect() as db:
            orders = db.execute(
                text("SELECT order_id, status, executed_quantity, code, updated_at FROM ledger.venue_orders ORDER BY 1")
            ).all()
            return [*orders, *db.execute(text("SELECT * FROM ledger.venue_positions ORDER BY 1, 2")).all()]

    async def work(state: AppState) -> None:
        order_id = await service.place(state.database, state.venue, trader.account_id, SMALL)
        with venue.worker("rebuilt"):
            await asyncio.to_thread(venue.wait_for, trader, order_id, "filled", timeout_s=30)

    with_api(venue, work)
    before = rows()
    rebuild(venue.settings)
    assert eventually(rows, lambda seen: seen == before, 15) == before
