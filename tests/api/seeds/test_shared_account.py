"""Seed 004's shared account without a login: when it is filled up, and how many requests an address may send."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from api.dispatch.request_options import deadline
from schemas.codec import encode_command
from schemas.commands import Deposit
from schemas.sharding import shard_of
from schemas.units import MICROS_PER_USDC
from tests.api.seeds.entries import seed
from tests.api.seeds.market import Market, Person
from tests.api.seeds.running import running_market
from tests.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ACCOUNT: Final = seed("004").requests[0].account or ""
FULL: Final = Decimal(10_000)
A_DAY: Final = Decimal(100_000)  # what may be brought in
ORDERS: Final = 30


@pytest.fixture(scope="module")
def market(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """An exchange of this module's own, because its tests lose money of the shared account."""
    folder = tmp_path_factory.mktemp("shared")
    with running_market(kafka, postgres, folder, rate_limit_orders=f"{ORDERS}/minute") as running:
        yield running


def test_the_shared_account_flat_and_below_a_thousand_is_filled_up_once_under_concurrent_reads(market: Market) -> None:
    assert free(market) == FULL
    lose_all_but_500(market)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(free, [market] * 8)) == [FULL] * 8
    assert figures(market) == [FULL, 0, FULL, 0]
    assert deposits(market) == [FULL, Decimal(9_500)]


def test_the_shared_account_is_not_filled_up_from_a_thousand_or_while_a_position_is_open(market: Market) -> None:
    assert free(market) == FULL
    before = deposits(market)
    market.at("SOL_USDC", "150.00")
    position = opened(market, margin=9_500, leverage=1)["positionId"]
    assert free(market) == 500
    with market.client() as nobody:
        assert nobody.post("/api/v1/positions/close", json={"positionId": position}).status_code == 200
    # It was bought at the ask and sold at the bid.
    assert 9_990 < free(market) < FULL
    assert deposits(market) == before


def test_the_shared_account_is_not_filled_up_beyond_the_daily_deposit_limit_and_still_answers(market: Market) -> None:
    free(market)
    today = sum(deposits(market)[1:])  # The first is the account's opening.
    rest = A_DAY - today
    command = Deposit(
        command_id=str(uuid4()), account_id=ACCOUNT, deadline=deadline(), amount=int(rest * MICROS_PER_USDC)
    )
    market.append(encode_command(command), shard_of(ACCOUNT, market.settings.shards))
    eventually(lambda: figures(market)[0], lambda cash: cash > rest)
    lose_all_but_500(market)
    before = deposits(market)
    assert [free(market), free(market)] == [500, 500]
    with market.client() as nobody:
        body = {"margin": 501, "asset": "SOL", "type": "long", "leverage": 1}
        refused = nobody.post("/api/v1/positions/open", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "INSUFFICIENT_MARGIN")
    assert deposits(market) == before


def test_requests_are_limited_for_each_address_and_closes_are_counted_separately(market: Market) -> None:
    person = Person(market)
    body = {"margin": 0, "asset": "SOL", "type": "long", "leverage": 2}
    unknown = {"positionId": "pos_0-999999"}
    with market.client() as nobody, other_address(market) as elsewhere:
        statuses = [nobody.post("/api/v1/positions/open", json=body).status_code for _ in range(ORDERS + 1)]
        assert statuses[0] == 400
        assert statuses[-1] == 429
        refused = nobody.post("/api/v1/positions/open", json=body)
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["violated-policies"] == ["orders"]
        assert nobody.post("/api/v1/positions/close", json=unknown).status_code == 400
        assert elsewhere.post("/api/v1/positions/open", json=body).status_code == 400
        assert person.http.post("/api/v1/positions/open", json=body).status_code == 400


def other_address(market: Market) -> httpx.Client:
    """A client on another address of this machine."""
    return httpx.Client(base_url=market.url, transport=httpx.HTTPTransport(local_address="127.0.0.2"))


def free(market: Market) -> Decimal:
    """The free balance of the public state."""
    with market.client() as nobody:
        reply = nobody.get("/api/v1/state")
    assert reply.status_code == 200, reply.text
    return Decimal(str(reply.json()["balances"]["USD"]))


def opened(market: Market, **fields: Any) -> dict[str, Any]:
    with market.client() as nobody:
        reply = nobody.post("/api/v1/positions/open", json={"asset": "SOL", "type": "long"} | fields)
    assert reply.status_code == 201, reply.text
    position: dict[str, Any] = reply.json()
    return position


def lose_all_but_500(market: Market) -> None:
    """Lose the margin of a liquidated position, without reading the state, which would fill the account up."""
    market.at("SOL_USDC", "150.00")
    margin = figures(market)[0] - 500
    opened(market, margin=float(margin), leverage=10)
    market.at("SOL_USDC", "131.00")
    eventually(lambda: figures(market), lambda seen: seen == [500, 0, 500, 0])


def figures(market: Market) -> list[Any]:
    market.until_projected()
    return list(market.figures(ACCOUNT)[:4])


def deposits(market: Market) -> list[Decimal]:
    """What was brought in, oldest first."""
    market.until_projected()
    return market.deposits(ACCOUNT)
