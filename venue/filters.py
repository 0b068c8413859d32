"""Which orders the venue would refuse, told before they are sent, with the name of its filter."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from schemas.venue_messages import VenueOrder

MARKET: Final = "MARKET"
TRADING: Final = "TRADING"
NEED_PRICE: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
NEED_STOP_PRICE: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
TIMES_IN_FORCE: Final = frozenset({"GTC", "IOC", "FOK"})
DIGITS_MAX: Final = 40
ZERO: Final = Decimal(0)


class Refusal(NamedTuple):
    """Why an order is not sent: a filter's name or a word of ours, and a sentence."""

    code: str
    message: str


class SymbolRules(NamedTuple):
    """What the venue says of a symbol in `exchangeInfo`."""

    symbol: str
    status: str
    order_types: frozenset[str]
    base_asset: str
    quote_asset: str
    base_precision: int
    quote_precision: int
    filters: Mapping[str, Mapping[str, Any]]


def rules_of(described: Mapping[str, Any]) -> SymbolRules:
    """Read one symbol's description."""
    return SymbolRules(
        symbol=described["symbol"],
        status=described["status"],
        order_types=frozenset(described["orderTypes"]),
        base_asset=described["baseAsset"],
        quote_asset=described["quoteAsset"],
        base_precision=int(described["baseAssetPrecision"]),
        quote_precision=int(described.get("quoteAssetPrecision", described.get("quotePrecision", 8))),
        filters={one["filterType"]: one for one in described["filters"]},
    )


def needs_average_price(order: VenueOrder, rules: SymbolRules) -> bool:
    """Say whether the order's worth can be judged only with the venue's average price."""
    notional = rules.filters.get("NOTIONAL", {})
    minimum = rules.filters.get("MIN_NOTIONAL", {})
    return order.type == MARKET and bool(
        notional.get("applyMinToMarket") or notional.get("applyMaxToMarket") or minimum.get("applyToMarket")
    )


def refusal_of(order: VenueOrder, rules: SymbolRules, average_price: Decimal | None) -> Refusal | None:
    """Give the first reason the venue would refuse the order, or null. Nothing is rounded to fit."""
    if rules.status != TRADING:
        return Refusal("SYMBOL_STATUS", f"{rules.symbol} is {rules.status} at the venue")
    if order.type not in rules.order_types:
        known = ", ".join(sorted(rules.order_types))
        return Refusal("ORDER_TYPE", f"{rules.symbol} takes no {order.type} orders; it takes {known}")
    if order.type in NEED_PRICE and order.price is None:
        return Refusal("PRICE_MISSING", f"A {order.type} order needs a price")
    if order.type in NEED_STOP_PRICE and order.stop_price is None:
        return Refusal("STOP_PRICE_MISSING", f"A {order.type} order needs a stop price")
    if order.type == MARKET and order.price is not None:
        return Refusal("PRICE_UNWANTED", "A MARKET order has no price")
    if order.time_in_force is not None and order.time_in_force not in TIMES_IN_FORCE:
        return Refusal("TIME_IN_FORCE", f"{order.time_in_force!r} is none of {', '.join(sorted(TIMES_IN_FORCE))}")
    quantity = _number(order.quantity)
    if quantity is None or quantity <= ZERO:
        return Refusal("QUANTITY", f"{order.quantity[:DIGITS_MAX]!r} is no quantity above zero")
    prices = []
    for name, digits in (("price", order.price), ("stop price", order.stop_price)):
        if digits is not None:
            price = _number(digits)
            if price is None or price <= ZERO:
                return Refusal("PRICE", f"{digits[:DIGITS_MAX]!r} is no {name} above zero")
            prices.append(price)
    return (
        _precision(quantity, prices, rules)
        or _quantity_refused(order, quantity, rules)
        or next((refused for price in prices if (refused := _price_refused(price, rules)) is not None), None)
        or _notional_refused(order, quantity, average_price, rules)
    )


def _precision(quantity: Decimal, prices: list[Decimal], rules: SymbolRules) -> Refusal | None:
    if _places(quantity) > rules.base_precision:
        return Refusal("PRECISION", f"A quantity of {rules.symbol} has at most {rules.base_precision} decimal places")
    if any(_places(price) > rules.quote_precision for price in prices):
        return Refusal("PRECISION", f"A price of {rules.symbol} has at most {rules.quote_precision} decimal places")
    return None


def _quantity_refused(order: VenueOrder, quantity: Decimal, rules: SymbolRules) -> Refusal | None:
    names = ("LOT_SIZE", "MARKET_LOT_SIZE") if order.type == MARKET else ("LOT_SIZE",)
    for name in names:
        found = rules.filters.get(name)
        if found is None:
            continue
        why = _outside(quantity, found["minQty"], found["maxQty"], found["stepSize"])
        if why is not None:
            return Refusal(name, f"A quantity of {order.quantity} {why}")
    return None


def _price_refused(price: Decimal, rules: SymbolRules) -> Refusal | None:
    found = rules.filters.get("PRICE_FILTER")
    if found is None:
        return None
    why = _outside(price, found["minPrice"], found["maxPrice"], found["tickSize"])
    return None if why is None else Refusal("PRICE_FILTER", f"A price of {price} {why}")


def _notional_refused(
    order: VenueOrder, quantity: Decimal, average_price: Decimal | None, rules: SymbolRules
) -> Refusal | None:
    price = _number(order.price) if order.price is not None else average_price
    if price is None:
        return None
    worth, is_market = price * quantity, order.type == MARKET
    notional = rules.filters.get("NOTIONAL")
    if notional is not None:
        least, most = Decimal(notional["minNotional"]), Decimal(notional.get("maxNotional", "0"))
        if worth < least and (not is_market or notional["applyMinToMarket"]):
            return Refusal("NOTIONAL", f"An order is worth at least {least} {rules.quote_asset}, this one {worth}")
        if ZERO < most < worth and (not is_market or notional.get("applyMaxToMarket")):
            return Refusal("NOTIONAL", f"An order is worth at most {most} {rules.quote_asset}, this one {worth}")
    minimum = rules.filters.get("MIN_NOTIONAL")
    if minimum is not None and (not is_market or minimum.get("applyToMarket")):
        least = Decimal(minimum["minNotional"])
        if worth < least:
            return Refusal("MIN_NOTIONAL", f"An order is worth at least {least} {rules.quote_asset}, this one {worth}")
    return None


def _outside(value: Decimal, least: str, most: str, step: str) -> str | None:
    """Say in which way a value breaks the three parts of a filter; a part that is 0 holds nobody back."""
    low, high, grain = Decimal(least), Decimal(most), Decimal(step)
    if value < low:
        return f"is below {low.normalize():f}"
    if ZERO < high < value:
        return f"is above {high.normalize():f}"
    if grain > ZERO and value % grain != ZERO:
        return f"is no multiple of {grain.normalize():f}"
    return None


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "a finite number has an exponent"
    return max(0, -exponent)


def _number(digits: str) -> Decimal | None:
    """Read decimal digits; null where they are none, or more than a venue could mean."""
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return None
    sane = number.is_finite() and len(digits) <= DIGITS_MAX and abs(number.adjusted()) <= DIGITS_MAX
    return number if sane else None
