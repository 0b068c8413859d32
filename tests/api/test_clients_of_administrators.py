"""Both clients do for an administrator what the API has for them, against a running exchange."""

from decimal import Decimal
from uuid import uuid4

import pytest

from reprise_client import Forbidden, NotFound, Refused, SyncClient
from tests.api.exchange import PASSWORD, Exchange
from tests.api.test_rules import administrator
from tests.client.typescript import run_node_tests


def signed_in(exchange: Exchange, email: str) -> SyncClient:
    client = SyncClient(exchange.url, patience_s=60)
    client.login(email, PASSWORD)
    return client


def test_an_administrator_changes_markets_and_sees_risk_and_lag_with_the_python_client(exchange: Exchange) -> None:
    user = exchange.new_user()
    user.opened(margin="10")
    with signed_in(exchange, administrator(exchange).email) as client:
        admin = client.admin
        [btc] = [one for one in admin.parameters() if one.symbol == "BTC_USDC"]
        assert (btc.status, btc.leverage_max, btc.tick_size) == ("open", Decimal(100), Decimal("0.1"))
        changed = admin.change_parameters("SOL_USDC", leverage_max=50, slippage_bps=90)
        assert admin.broadcast(changed.name).name == changed.name
        halted = admin.set_market_status("SOL_USDC", "halted", key="halt SOL")
        assert admin.set_market_status("SOL_USDC", "halted", key="halt SOL").name == halted.name
        assert admin.set_market_status("SOL_USDC", "open").answered
        assert admin.set_account_limits(positions_max=500).name in {one.name for one in admin.broadcasts()}
        symbol = f"{uuid4().hex[:8].upper()}_USDC"
        assert admin.define_instrument(symbol, tick_exponent=2, lot_exponent=1, quantity_max="1000").name
        assert admin.rules().in_force == admin.rules().newest
        with pytest.raises(Refused, match="RULES_VERSION_NOT_NEXT"):
            admin.activate_rules(1)
        assert {one.symbol for one in admin.exposure()} >= {"BTC_USDC", "ETH_USDC"}
        ladder = admin.liquidation_ladder()
        assert {rung.side for rung in ladder.items if rung.symbol == "BTC_USDC"} == {"long", "short"}
        assert {rung.side for rung in ladder.together} == {"long", "short"}
        assert [fund.shard for fund in admin.insurance_fund().shards] == list(range(exchange.settings.shards))
        own = user.get("/account")["account_id"]
        assert [(one.account_id, one.open_positions) for one in admin.accounts(account_id=own)] == [(own, 1)]
        assert admin.feed().name == "simulated"
        assert [one.shard for one in admin.lag().shards] == list(range(exchange.settings.shards))
        with pytest.raises(NotFound):
            admin.broadcast("no-such-broadcast")


def test_an_administrator_moves_money_with_the_python_client(exchange: Exchange) -> None:
    user = exchange.new_user()
    account_id = user.get("/account")["account_id"]
    with signed_in(exchange, administrator(exchange).email) as client:
        admin = client.admin
        came = admin.deposit(account_id, "250.5", note="bank transfer 4711", key="one")
        assert (came.status, came.kind, came.amount) == ("done", "deposit", Decimal("250.5"))
        assert admin.deposit(account_id, "250.5", note="bank transfer 4711", key="one").id == came.id
        went = admin.withdraw(account_id, 50)
        assert [one.id for one in admin.transfers(account_id=account_id)] == [went.id, came.id]
        assert [one.id for one in admin.transfers(account_id=account_id, kind="withdrawal")] == [went.id]
        assert admin.transfer(came.id).acts
        assert admin.approve_transfer(came.id).status == "done"
        with pytest.raises(Refused, match="TRANSFER_NOT_PENDING"):
            admin.reject_transfer(came.id, note="too late")
    assert user.get("/account")["balance"] == "5200.500000"


def test_a_user_who_is_no_administrator_is_refused_with_the_python_client(exchange: Exchange) -> None:
    with signed_in(exchange, exchange.new_user().email) as client, pytest.raises(Forbidden):
        client.admin.lag()


@pytest.mark.slow
def test_an_administrator_works_with_the_typescript_client(exchange: Exchange) -> None:
    user = exchange.new_user()
    environment = {
        "EXCHANGE_URL": exchange.url,
        "ADMINISTRATOR": administrator(exchange).email,
        "ACCOUNT": user.get("/account")["account_id"],
    }
    assert run_node_tests("tests/admin.test.ts", environment=environment) == 3
