"""What the seeds' clients read right after a command while the projector is stopped: never silently old."""

from decimal import Decimal

import httpx
import pytest

from schemas.sharding import shard_of
from tests.api.seeds.market import Market, Person
from tests.api.seeds.test_seed_002_defects import messages_of, submit, websocket
from tests.processes import eventually


@pytest.fixture
def person(market: Market) -> Person:
    """Somebody with an account in the tables, while ETH stands at 2,000."""
    market.at("ETH_USDC", "2000.00")
    made = Person(market)
    made.figures()
    return made


def opened_of_seed_000(person: Person) -> str:
    order_id: str = person.post("/trades", 201, asset="ETH", type="long", margin=100, leverage=10)["orderId"]
    person.http.cookies.clear()
    return order_id


def refused(reply: httpx.Response) -> None:
    """It says in the seed's form that the client should try again."""
    assert (reply.status_code, reply.json()["code"], reply.headers["Retry-After"]) == (503, "PROJECTION_BEHIND", "1")
    assert reply.json()["error"]


def test_every_balance_of_a_seed_is_of_the_last_command_while_the_tables_are_behind(
    market: Market, person: Person
) -> None:
    with market.held("projector"):
        order_id = opened_of_seed_000(person)
        assert person.get("/balance")["USD"] == {"balance": 490_000, "decimals": 2}
        assert person.get("/api/v1/balance")["USD"] == {"balance": 490_000, "decimals": 2}
        assert person.get("/api/v1/balance/USD")["USD"] == {"balance": 490_000, "decimals": 2}
        assert person.get("/balance/USDC")["balance"] == 490_000
        assert person.engine(command="GET_USD_BALANCE")["engineResponse"]["data"]["usdBalance"] == 4900
        # A spread of a cent on half an ETH: 4,999.995, of which a balance shows whole cents.
        assert person.post(f"/trades/{order_id}/close") == {"balance": 499_999}
        assert person.post("/balance/deposit", symbol="USDC", amount=100, decimals=2)["balance"] == 500_099
    assert list(person.figures()[:3]) == [Decimal("5000.995"), 0, Decimal("5000.995")]


def test_an_order_of_seed_003_is_current_and_its_list_is_refused_while_the_tables_are_behind(
    market: Market, person: Person
) -> None:
    with market.held("projector"):
        order_id = person.post("/trade/create", asset="ETH", side="buy", qty=0.5, leverage=10)["orderId"]
        assert person.get(f"/trade/orders/{order_id}")["order"]["status"] == "open"
        refused(person.http.get("/trade/orders"))
        closed = person.post(f"/trade/close/{order_id}")
        assert person.get(f"/trade/orders/{order_id}")["order"]["pnl"] == closed["pnl"] == -0.005
    (row,) = eventually(lambda: person.http.get("/trade/orders"), lambda reply: reply.status_code == 200).json()[
        "orders"
    ]
    assert (row["status"], row["pnl"]) == ("closed", -0.005)


def test_the_lists_of_seed_001_are_refused_while_the_tables_are_behind(market: Market, person: Person) -> None:
    with market.held("projector"):
        command = {"command": "CREATE_TRADE", "asset": "ETH", "direction": "LONG", "margin": 100, "leverage": 10}
        trade = person.engine(**command)["engineResponse"]["data"]["tradeId"]
        refused(person.http.get("/api/v1/user/trades"))
        refused(person.http.get("/api/v1/user/orders"))
        data = person.engine(command="CLOSE_TRADE", tradeId=trade)["engineResponse"]["data"]
        assert (data["pnl"], data["totalReturn"]) == (-0.005, 99.995)
    trades = eventually(lambda: person.http.get("/api/v1/user/trades"), lambda reply: reply.status_code == 200).json()
    assert [trade["status"] for trade in trades["trades"]] == ["CLOSED"]


def test_the_state_of_seed_004_is_refused_while_the_tables_are_behind(market: Market, person: Person) -> None:
    with market.held("projector"):
        opened = person.post("/api/v1/positions/open", 201, margin=100, asset="ETH", type="long", leverage=10)
        refused(person.http.get("/api/v1/state"))
        closed = person.post("/api/v1/positions/close", positionId=opened["positionId"])
        assert closed["realizedPnL"] == -0.005
    state = eventually(lambda: person.http.get("/api/v1/state"), lambda reply: reply.status_code == 200).json()
    assert (state["balances"]["USD"], state["positions"]) == (4999.995, [])


def test_the_shared_account_of_seed_004_closes_a_new_position_while_the_tables_are_behind(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    with market.held("projector"), market.client() as nobody:
        body = {"margin": 100, "asset": "ETH", "type": "long", "leverage": 10}
        opened = nobody.post("/api/v1/positions/open", json=body)
        assert opened.status_code == 201, opened.text
        closed = nobody.post("/api/v1/positions/close", json={"positionId": opened.json()["positionId"]})
        assert (closed.status_code, closed.json()["realizedPnL"]) == (200, -0.005)


def test_a_client_with_the_cookie_of_another_exchange_is_answered_on_the_seeds_routes(
    market: Market, person: Person
) -> None:
    person.http.cookies.set("ledger_position", "1:999999999")
    assert person.http.get("/trade/orders").status_code == 200
    assert person.http.get("/balance").status_code == 200


def test_an_order_update_of_seed_002_comes_however_late_the_tables_are(market: Market, person: Person) -> None:
    market.at("BTC_USDC", "50000.0")
    with websocket(market, person.token) as socket:
        with market.held("projector"):
            order_id = submit(person)["orderId"]
            (pending,) = messages_of(socket, "ORDER_UPDATE", 1)
            assert (pending["orderId"], pending["status"]) == (order_id, "PENDING")
            eventually(lambda: person.http.get("/balance").json()["USD"]["balance"], lambda cents: cents == 400_000)
            for _ in range(2):  # Each waits for the tables as long as any read does.
                place = {"Ledger-Position": f"{shard_of(person.account_id, market.settings.shards)}:999999999"}
                assert "Projection-Lag" in person.http.get("/api/v1/fills", headers=place).headers
            assert [order["status"] for order in person.get("/api/trading/orders")] == ["PENDING"]
        (filled,) = messages_of(socket, "ORDER_UPDATE", 1)
    assert (filled["orderId"], filled["status"], filled["executedQty"]) == (order_id, "FILLED", 0.02)
