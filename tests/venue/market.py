"""A venue's matching and accounts, as far as our tests need them: exact, seeded, and forgotten by a reset."""

import random
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

ZERO: Final = Decimal(0)
GRANT: Final = {"USDT": Decimal(10_000_000), "BTC": Decimal(100), "ETH": Decimal(1_000)}
PRICES: Final = {"BTCUSDT": Decimal(50_000), "ETHUSDT": Decimal(2_000)}
OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED"})
FILTERS: Final[list[dict[str, Any]]] = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00000", "stepSize": "0.00001"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000", "maxQty": "50.00000", "stepSize": "0.00000"},
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00",
        "applyMinToMarket": True,
        "maxNotional": "9000000.00",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
]


class VenueError(Exception):
    """An error as the venue numbers and words it."""

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status


class Order:
    """One order at the venue."""

    def __init__(self, number: int, api_key: str, parameters: dict[str, str]) -> None:
        self.number = number
        self.api_key = api_key
        self.client_id = parameters["newClientOrderId"]
        self.symbol, self.side, self.type = parameters["symbol"], parameters["side"], parameters["type"]
        self.quantity = Decimal(parameters["quantity"])
        self.price = Decimal(parameters.get("price", "0"))
        self.executed = self.quote = ZERO
        self.status = "NEW"
        self.fills: list[dict[str, Any]] = []

    def shown(self) -> dict[str, Any]:
        """As the REST API shows it."""
        return {
            "symbol": self.symbol,
            "orderId": self.number,
            "clientOrderId": self.client_id,
            "transactTime": now_ms(),
            "price": f"{self.price:f}",
            "origQty": f"{self.quantity:f}",
            "executedQty": f"{self.executed:f}",
            "cummulativeQuoteQty": f"{self.quote:f}",
            "status": self.status,
            "type": self.type,
            "side": self.side,
        }


class Market:
    """Orders and balances of all accounts. `told` gets each execution report; `eras` counts resets.

    commission: a share of each trade, taken in what was received. placed counts, over all eras, how often each client
    order id became an order.
    """

    def __init__(self, seed: int, commission: str = "0") -> None:
        self._random = random.Random(seed)
        self._commission = Decimal(commission)
        self.prices = dict(PRICES)
        self.accounts: dict[str, dict[str, Decimal]] = {}
        self.orders: dict[int, Order] = {}
        self.placed: Counter[str] = Counter()
        self.resets = 0
        self.on_report: Callable[[str, dict[str, Any]], None] = lambda _key, _event: None
        self._number = self._trade = 0

    def open_account(self, api_key: str) -> None:
        self.accounts[api_key] = dict(GRANT)

    def reset(self) -> None:
        """Forget every order, and give every account its first balances. Numbers begin again."""
        self.orders.clear()
        self._number = self._trade = 0
        self.resets += 1
        for api_key in self.accounts:
            self.open_account(api_key)

    def held(self, api_key: str, asset: str) -> Decimal:
        """How much more of an asset an account has than it was granted."""
        return self.accounts[api_key][asset] - GRANT[asset]

    def place(self, api_key: str, parameters: dict[str, str]) -> dict[str, Any]:
        if parameters["symbol"] not in self.prices:
            raise VenueError(-1121, "Invalid symbol.")
        if any(one.client_id == parameters["newClientOrderId"] and one.status in OPEN for one in self.of(api_key)):
            raise VenueError(-2010, "Duplicate order sent.")
        self._filter(parameters)
        order = Order(self._number + 1, api_key, parameters)
        price = order.price if order.type == "LIMIT" else self.prices[order.symbol]
        base, quote = order.symbol.removesuffix("USDT"), "USDT"
        needed, asset = (price * order.quantity, quote) if order.side == "BUY" else (order.quantity, base)
        if self.accounts[api_key][asset] < needed:
            raise VenueError(-2010, "Account has insufficient balance for requested action.")
        self._number += 1
        self.orders[order.number] = order
        self.placed[order.client_id] += 1
        self._publish(order, "NEW")
        if order.type == "MARKET" or self._crosses(order):
            self._fill(order, order.quantity)
        return order.shown() | {"fills": list(order.fills)}

    def find(self, api_key: str, client_id: str) -> Order:
        found = [one for one in self.of(api_key) if one.client_id == client_id]
        if not found:
            raise VenueError(-2013, "Order does not exist.")
        return found[-1]

    def cancel(self, api_key: str, client_id: str) -> dict[str, Any]:
        try:
            order = self.find(api_key, client_id)
        except VenueError:
            raise VenueError(-2011, "Unknown order sent.") from None
        if order.status not in OPEN:
            raise VenueError(-2011, "Unknown order sent.")
        order.status = "CANCELED"
        self._publish(order, "CANCELED")
        return order.shown() | {"origClientOrderId": order.client_id, "clientOrderId": "the-cancel-s-own"}

    def move(self, symbol: str, price: Decimal) -> None:
        """Change a price; what it reaches is filled, some of it in two parts."""
        self.prices[symbol] = price
        for order in list(self.orders.values()):
            if order.symbol == symbol and order.status in OPEN and self._crosses(order):
                left = order.quantity - order.executed
                half = (left / 2).quantize(Decimal("0.00001"))
                if self._random.random() < 0.5 and ZERO < half < left:
                    self._fill(order, half)
                self._fill(order, order.quantity - order.executed)

    def fill_half(self, client_id: str) -> None:
        """Execute half of an order, as a market that has no more."""
        order = next(one for one in self.orders.values() if one.client_id == client_id)
        self._fill(order, order.quantity / 2)

    def of(self, api_key: str) -> list[Order]:
        return [one for one in self.orders.values() if one.api_key == api_key]

    def _crosses(self, order: Order) -> bool:
        now = self.prices[order.symbol]
        return order.type == "LIMIT" and (order.price >= now if order.side == "BUY" else order.price <= now)

    def _fill(self, order: Order, quantity: Decimal) -> None:
        price = order.price if order.type == "LIMIT" else self.prices[order.symbol]
        base = order.symbol.removesuffix("USDT")
        account, worth = self.accounts[order.api_key], price * quantity
        received, amount = (base, quantity) if order.side == "BUY" else ("USDT", worth)
        commission = amount * self._commission
        sign = 1 if order.side == "BUY" else -1
        account[base] += sign * quantity
        account["USDT"] -= sign * worth
        account[received] -= commission
        order.executed += quantity
        order.quote += worth
        order.status = "FILLED" if order.executed == order.quantity else "PARTIALLY_FILLED"
        self._trade += 1
        fill = {
            "price": f"{price:f}",
            "qty": f"{quantity:f}",
            "commission": f"{commission:f}",
            "commissionAsset": received,
            "tradeId": self._trade,
        }
        order.fills.append(fill)
        self._publish(order, "TRADE", fill)

    def _publish(self, order: Order, kind: str, fill: dict[str, Any] | None = None) -> None:
        is_cancel = kind == "CANCELED"
        self.on_report(
            order.api_key,
            {
                "e": "executionReport",
                "E": now_ms(),
                "s": order.symbol,
                "c": "the-cancel-s-own" if is_cancel else order.client_id,
                "C": order.client_id if is_cancel else "",
                "x": kind,
                "X": order.status,
                "r": "NONE",
                "i": order.number,
                "l": fill["qty"] if fill else "0",
                "L": fill["price"] if fill else "0",
                "z": f"{order.executed:f}",
                "Z": f"{order.quote:f}",
                "n": fill["commission"] if fill else "0",
                "N": fill["commissionAsset"] if fill else None,
                "T": now_ms(),
                "t": fill["tradeId"] if fill else -1,
            },
        )

    def _filter(self, parameters: dict[str, str]) -> None:
        """Refuse what the filters do, in the venue's words: an order of ours that gets here was not checked well."""
        quantity = Decimal(parameters["quantity"])
        price = Decimal(parameters["price"]) if "price" in parameters else None
        if quantity < Decimal("0.00001") or quantity % Decimal("0.00001"):
            raise VenueError(-1013, "Filter failure: LOT_SIZE")
        if price is not None and price % Decimal("0.01"):
            raise VenueError(-1013, "Filter failure: PRICE_FILTER")
        if (price or self.prices[parameters["symbol"]]) * quantity < 5:
            raise VenueError(-1013, "Filter failure: NOTIONAL")


def now_ms() -> int:
    return time.time_ns() // 1_000_000
