"""Users do not meet the defects of seed 001; the letters are those of docs/seeds.md."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from tests.api.seeds.market import Market, Person
from tests.processes import eventually

CONNECTIONS_MAX = 16


def opened(person: Person, /, **fields: Any) -> dict[str, Any]:
    """Open a trade; the reply's data."""
    body: dict[str, Any] = {"asset": "ETH_USDC", "direction": "LONG", "margin": 100, "leverage": 10} | fields
    data: dict[str, Any] = person.engine(command="CREATE_TRADE", **body)["engineResponse"]["data"]
    return data


def row_of(person: Person, trade: str) -> dict[str, Any]:
    row: dict[str, Any] = person.get(f"/trade/orders/{trade}")["order"]
    return row


def test_seed_001_a_a_take_profit_above_the_market_does_not_fire_early(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    person = Person(market)
    long = opened(person, stopLossPrice=1900, takeProfitPrice=2100)["tradeId"]
    short = opened(person, direction="SHORT", stopLossPrice=2150, takeProfitPrice=1900)["tradeId"]
    for price in ("2001.00", "1999.00", "2050.00", "2000.00"):
        market.at("ETH_USDC", price)
    market.until_projected()
    assert person.figures().open == 2
    market.at("ETH_USDC", "2101.00")
    row = eventually(lambda: row_of(person, long), lambda seen: seen["status"] == "closed")
    assert (row["closeReason"], row["exitPrice"]) == ("TakeProfit", 2100.99)
    assert row_of(person, short)["status"] == "open"
    market.at("ETH_USDC", "2000.00")


def test_seed_001_b_a_price_above_100000_is_kept_as_sent(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    data = opened(person, asset="BTC_USDC", takeProfitPrice=110_000)
    assert data["takeProfitPrice"] == 110_000
    assert row_of(person, data["tradeId"])["takeProfit"] == 110_000
    market.at("BTC_USDC", "50001.0")
    assert person.figures().open == 1


def test_seed_001_c_the_owner_alone_is_paid(market: Market) -> None:
    owner = Person(market)
    other = owner.neighbour()
    trade = opened(owner)["tradeId"]
    before = owner.figures(), other.figures()
    refused = other.engine(400, command="CLOSE_TRADE", tradeId=trade)
    assert (refused["success"], refused["engineResponse"]["status"]) == (False, "error")
    assert (owner.figures(), other.figures()) == before


def test_a_close_is_answered_with_its_result_while_the_tables_are_behind(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    person = Person(market)
    trade = opened(person)["tradeId"]
    with market.held("projector"):
        answer = person.engine(command="CLOSE_TRADE", tradeId=trade)
    data = answer["engineResponse"]["data"]
    assert (answer["success"], data["tradeId"], data["closePrice"], data["pnl"]) == (True, trade, 1999.99, -0.005)
    assert data["totalReturn"] == 99.995


def test_seed_001_d_a_loss_ends_at_the_margin(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    person = Person(market)
    trade = opened(person, margin=1000, leverage=50)["tradeId"]
    market.at("ETH_USDC", "1900.00")
    eventually(lambda: row_of(person, trade), lambda seen: seen["status"] == "closed")
    figures = person.figures()
    assert (figures.free, figures.balance) == (Decimal(4000), Decimal(4000))
    market.at("ETH_USDC", "2000.00")


def test_seed_001_e_concurrent_trades_have_different_ids(market: Market) -> None:
    person = Person(market)
    with ThreadPoolExecutor(10) as pool:
        trades = [data["tradeId"] for data in pool.map(lambda _: opened(person, margin=10), range(20))]
    assert len(set(trades)) == 20
    assert person.figures().open == 20


def test_seed_001_f_a_closed_position_s_triggers_never_fire(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    person = Person(market)
    trade = opened(person, stopLossPrice=1950, takeProfitPrice=2050)["tradeId"]
    person.engine(command="CLOSE_TRADE", tradeId=trade)
    after, row = person.figures(), row_of(person, trade)
    assert (row["status"], row["exitPrice"], row["closeReason"]) == ("closed", 1999.99, "Manual")
    for price in ("1940.00", "2060.00", "2000.00"):
        market.at("ETH_USDC", price)
    assert (person.figures(), row_of(person, trade)) == (after, row)


def test_seed_001_h_fractional_leverage_is_exact(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    person = Person(market)
    data = opened(person, margin=1000, leverage=22.5)
    assert (data["leverage"], data["quantity"]) == (22.5, 11.25)
    # The first price at which equity is below 0.5 % of the notional, and above what would be bad debt: exactly.
    assert data["liquidationPrice"] == 1920.71
    market.at("ETH_USDC", "1920.72")
    eventually(lambda: row_of(person, data["tradeId"]), lambda seen: seen["status"] == "closed")
    assert person.figures().free >= 4000
    market.at("ETH_USDC", "2000.00")


def test_seed_001_m_requests_leave_no_connection_behind(market: Market) -> None:
    person = Person(market)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: person.engine(command="GET_BALANCE"), range(100)))
    with psycopg.connect(market.settings.database_url.replace("+psycopg", "")) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reprise-api' "
            "AND datname = current_database()"
        ).fetchone()
    assert counted is not None
    assert counted[0] <= CONNECTIONS_MAX


def test_seed_001_n_the_tables_show_the_outcome_of_each_command(market: Market) -> None:
    person = Person(market)
    said = person.engine(command="CREATE_TRADE", asset="ETH", direction="LONG", margin=100, leverage=2)
    closed = person.engine(command="CLOSE_TRADE", tradeId=said["engineResponse"]["data"]["tradeId"])
    refused = person.engine(400, command="CREATE_TRADE", asset="ETH", direction="LONG", margin=10**6, leverage=1)
    market.until_projected()
    found = [person.get(f"/api/v1/commands/{reply['orderId']}") for reply in (said, closed, refused)]
    assert [(command["status"], command["code"]) for command in found] == [
        ("done", None),
        ("done", None),
        ("rejected", refused["code"]),
    ]
    row = row_of(person, said["engineResponse"]["data"]["tradeId"])
    assert row["pnl"] == closed["engineResponse"]["data"]["pnl"]


def test_seed_001_o_a_request_that_cannot_be_parsed_is_answered_at_once(market: Market) -> None:
    person = Person(market)
    for shard in range(market.settings.shards):
        market.append(b"\xc3\x01 no message of ours", shard)
    for body in (b"{", b"[]", b'{"command": "GET_ASSET_PRICE"}', b'{"command": "CREATE_TRADE", "margin": "x"}'):
        reply = person.http.post("/api/v1/engine", content=body, headers={"Content-Type": "application/json"})
        assert (reply.status_code, reply.json()["success"]) == (400, False)
        assert {"error", "orderId", "engineResponse", "latency"} <= set(reply.json())
    assert opened(person)["tradeId"]


def test_seed_001_q_a_short_opens_at_the_bid(market: Market) -> None:
    market.at("ETH_USDC", "2000.00")
    person = Person(market)
    assert opened(person, direction="SHORT")["entryPrice"] == 1999.99
    assert opened(person, direction="LONG")["entryPrice"] == 2000


def test_seed_001_r_a_cross_site_request_is_refused(market: Market) -> None:
    person = Person(market)
    body = {"command": "CREATE_TRADE", "asset": "ETH", "direction": "LONG", "margin": 100, "leverage": 1}
    cookie = {"Cookie": f"authToken={person.token}"}
    for headers, status in (
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
    ):
        reply = httpx.post(f"{market.url}/api/v1/engine", json=body, headers=cookie | headers)
        assert reply.status_code == status, reply.text
    assert person.figures().open == 1
