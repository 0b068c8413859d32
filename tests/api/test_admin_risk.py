"""What administrators see of risk and accounts is what the users' own positions and receipts come to.

The twin works out each figure with fractions, position by position, from what the API tells the positions' owners.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import pytest

from tests.api.exchange import Exchange, User
from tests.api.test_rules import administrator
from tests.processes import eventually

TICKS = {"BTC_USDC": Fraction(1, 10), "ETH_USDC": Fraction(1, 100)}
MICRO = Fraction(1, 10**6)
# Symbol, side, margin, leverage: some are liquidated by a move of a percent, some by none of the ladder.
ORDERS = (
    ("BTC_USDC", "long", "100", "90"),
    ("BTC_USDC", "long", "120.5", "20"),
    ("BTC_USDC", "short", "75", "50"),
    ("ETH_USDC", "long", "60", "33.33"),
    ("ETH_USDC", "short", "10", "2"),
    ("ETH_USDC", "short", "200", "75"),
)


class Traders(NamedTuple):
    """An administrator, and users with open positions."""

    admin: User
    users: list[User]

    def positions(self) -> list[dict[str, Any]]:
        return [
            position | {"account": user.email} for user in self.users for position in user.get("/positions")["items"]
        ]


@pytest.fixture(scope="module")
def traders(exchange: Exchange) -> Traders:
    users = [exchange.new_user() for _ in range(2)]
    for number, (symbol, side, margin, leverage) in enumerate(ORDERS):
        users[number % 2].opened(symbol=symbol, side=side, margin=margin, leverage=leverage)
    return Traders(administrator(exchange), users)


def quote(exchange: Exchange, symbol: str) -> tuple[Fraction, Fraction]:
    ticker = exchange.ticker(symbol)
    return Fraction(ticker["bid"]), Fraction(ticker["ask"])


def up_to(value: Fraction, step: Fraction) -> Fraction:
    return ceil(value / step) * step


def worth(position: dict[str, Any], price: Fraction) -> tuple[Fraction, Fraction, bool]:
    """Notional, equity, and whether LIQ-01 holds, at a price."""
    notional = Fraction(position["quantity"]) * price
    entry = Fraction(position["quantity"]) * Fraction(position["entry_price"])
    equity = Fraction(position["margin"]) + (notional - entry) * (1 if position["side"] == "long" else -1)
    maintenance = up_to(notional * Fraction(5, 1000), MICRO)
    kept = up_to(Fraction(position["margin"]) * Fraction(5, 100), MICRO)
    return notional, equity, equity < max(maintenance, kept)


def moved(side: str, of: tuple[Fraction, Fraction], move: str, tick: Fraction) -> Fraction:
    part = Fraction(move) / 100
    return up_to(of[0] * (1 - part), tick) if side == "long" else floor(of[1] * (1 + part) / tick) * tick


def figures(gone: list[tuple[dict[str, Any], Fraction, Fraction]]) -> tuple[Any, ...]:
    return (
        len(gone),
        len({position["account"] for position, _, _ in gone}),
        sum(Fraction(each["quantity"]) * Fraction(each["entry_price"]) for each, _, _ in gone),
        sum(Fraction(position["margin"]) for position, _, _ in gone),
        sum(notional for _, notional, _ in gone),
        sum(max(Fraction(0), -equity) for _, _, equity in gone),
    )


def shown(rung: dict[str, Any]) -> tuple[Any, ...]:
    money = ("entry_notional", "margin", "notional", "shortfall")
    return (rung["positions"], rung["accounts"], *(Fraction(rung[name]) for name in money))


def test_the_liquidation_ladder_is_what_a_twin_works_out_of_the_users_positions(
    exchange: Exchange, traders: Traders
) -> None:
    positions = traders.positions()
    assert len(positions) == len(ORDERS)
    ladder = traders.admin.get("/admin/liquidations")
    quotes = {symbol: quote(exchange, symbol) for symbol in TICKS}

    def liquidated(side: str, move: str, symbols: set[str]) -> tuple[Any, ...]:
        gone = []
        for position in positions:
            symbol = position["symbol"]
            if position["side"] == side and symbol in symbols:
                price = moved(side, quotes[symbol], move, TICKS[symbol])
                notional, equity, is_liquidated = worth(position, price)
                gone += [(position, notional, equity)] if is_liquidated else []
        return figures(gone)

    moves = ["1.00", "2.00", "3.00", "5.00", "10.00", "15.00", "20.00", "30.00", "50.00"]
    assert [rung["move"] for rung in ladder["together"]] == moves * 2
    assert len(ladder["items"]) == 2 * len(TICKS) * len(moves)
    for rung in ladder["items"]:
        assert Fraction(rung["price"]) == moved(
            rung["side"], quotes[rung["symbol"]], rung["move"], TICKS[rung["symbol"]]
        )
        assert shown(rung) == liquidated(rung["side"], rung["move"], {rung["symbol"]}), rung
    for rung in ladder["together"]:
        assert shown(rung) == liquidated(rung["side"], rung["move"], set(TICKS)), rung
    furthest = [rung for rung in ladder["together"] if rung["move"] == "50.00"]
    assert [(rung["side"], rung["positions"], rung["accounts"]) for rung in furthest] == [
        ("long", 3, 2),
        ("short", 3, 2),
    ]
    assert all(Fraction(rung["shortfall"]) > 0 for rung in furthest)


def test_the_exposure_of_a_market_is_what_a_twin_sums_over_the_users_positions(
    exchange: Exchange, traders: Traders
) -> None:
    positions = traders.positions()
    for market in traders.admin.get("/admin/exposure")["items"]:
        signed: dict[str, Fraction] = {"quantity": Fraction(0), "notional": Fraction(0)}
        for side, sign in (("long", 1), ("short", -1)):
            held = [each for each in positions if (each["symbol"], each["side"]) == (market["symbol"], side)]
            bid, ask = quote(exchange, market["symbol"]) if held else (Fraction(0), Fraction(0))
            worths = [worth(each, bid if side == "long" else ask) for each in held]
            assert market[side]["positions"] == len(held)
            quantity = sum(Fraction(each["quantity"]) for each in held)
            notional = sum((notional for notional, _, _ in worths), Fraction(0))
            assert Fraction(market[side]["quantity"]) == quantity
            assert Fraction(market[side]["notional"]) == notional
            assert Fraction(market[side]["margin"]) == sum(Fraction(each["margin"]) for each in held)
            assert Fraction(market[side]["unrealized_pnl"]) == sum(
                equity - Fraction(each["margin"]) for each, (_, equity, _) in zip(held, worths, strict=True)
            )
            signed["quantity"] += sign * quantity
            signed["notional"] += sign * notional
        assert Fraction(market["net_quantity"]) == signed["quantity"]
        assert Fraction(market["net_notional"]) == signed["notional"]


def test_the_list_of_accounts_has_every_account_s_money_once_and_nothing_of_its_user(
    exchange: Exchange, traders: Traders
) -> None:
    listed: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = traders.admin.get("/admin/accounts", limit=1, **({"cursor": cursor} if cursor else {}))
        listed += reply["items"]
        cursor = reply["next_cursor"] or ""
        if not cursor:
            break
    by_id = {account["account_id"]: account for account in listed}
    assert len(by_id) == len(listed)
    assert [account["opened_at"] for account in listed] == sorted(
        (account["opened_at"] for account in listed), reverse=True
    )
    for user in traders.users:
        own = user.get("/account")
        [account] = traders.admin.get("/admin/accounts", account_id=own["account_id"])["items"]
        assert account == by_id[own["account_id"]]
        assert account | own == account, "the same figures as the user sees"
        assert account["open_positions"] == len(user.get("/positions")["items"])
        assert set(account) - set(own) == {"opened_at", "open_positions"}
        assert user.email not in str(reply)
    assert traders.admin.get("/admin/accounts", account_id="nobody") == {"items": [], "next_cursor": None}
    for wrong in ({"account_id": "a\0b"}, {"cursor": "AAAA"}, {"limit": 0}):
        refused = traders.admin.http.get("/admin/accounts", params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "MALFORMED")


def test_the_insurance_fund_holds_what_liquidations_paid_into_it_less_what_losses_beyond_margins_took(
    exchange: Exchange, traders: Traders
) -> None:
    user = exchange.new_user()
    before = traders.admin.get("/admin/insurance-fund")
    assert {before[name] for name in ("balance", "received", "paid", "written_off")} == {"0.000000"}
    receipts = []
    for leverage, bid, ask in (("50", "49245.0", "49245.1"), ("100", "48000.0", "48000.1")):
        position = user.opened(margin="100", leverage=leverage)["position_id"]
        exchange.confirmed_price("BTC_USDC", bid, ask)
        closed = eventually(lambda: user.get(f"/positions/{position}"), lambda seen: seen["status"] == "closed")  # noqa: B023  # It is asked in this round.
        receipts.append(user.get(f"/receipts/{closed['receipt_id']}"))
    assert [receipt["rule"] for receipt in receipts] == ["liquidation", "liquidation"]

    def moved_by_receipts() -> tuple[Fraction, Fraction, Fraction]:
        closed = [
            one.get(f"/receipts/{position['receipt_id']}")
            for one in (*traders.users, user)
            for position in one.get("/positions", status="closed")["items"]
        ]
        received = sum((Fraction(receipt["liquidation_fee"]) for receipt in closed), Fraction(0))
        paid = sum((Fraction(receipt["shortfall"]["insurance_paid"]) for receipt in closed), Fraction(0))
        return received, paid, sum((Fraction(receipt["shortfall"]["written_off"]) for receipt in closed), Fraction(0))

    # Every shard has the tick at its own time, and the tables each shard's closes at theirs.
    fund, (received, paid, written_off) = eventually(
        lambda: (traders.admin.get("/admin/insurance-fund"), moved_by_receipts()),
        lambda seen: tuple(Fraction(seen[0][name]) for name in ("received", "paid", "written_off")) == seen[1],
    )
    assert Fraction(fund["balance"]) == received - paid
    assert received > 0
    assert paid + written_off > 0
    assert [each["shard"] for each in fund["shards"]] == list(range(exchange.settings.shards))
    for name in ("balance", "received", "paid", "written_off"):
        assert Fraction(fund[name]) == sum(Fraction(each[name]) for each in fund["shards"])


@pytest.mark.parametrize("path", ["/admin/accounts", "/admin/insurance-fund", "/admin/liquidations"])
def test_risk_and_accounts_are_shown_to_administrators_and_auditors_alone(
    exchange: Exchange, traders: Traders, path: str
) -> None:
    assert traders.admin.http.get(path).status_code == 200
    refused = traders.users[0].http.get(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert exchange.http.get(f"/api/v1{path}").status_code == 401
