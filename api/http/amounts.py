"""How the ledger's integers are written in replies: decimal strings with all their places."""

from decimal import Context, Decimal
from typing import Annotated, Final

from pydantic import Field

from schemas.messages import Instrument
from schemas.units import LEVERAGE_EXPONENT, MONEY_EXPONENT, parse, render

PPM_EXPONENT: Final = 6
LEVEL_EXPONENT: Final = 4
VENUE_PRICE_PLACES: Final = 8  # as many as a venue's prices may have
_VENUE_STEP: Final = Decimal(1).scaleb(-VENUE_PRICE_PLACES)
_WIDE: Final = Context(prec=50)  # the venue is told prices of up to forty digits

Decimals = Annotated[str, Field(json_schema_extra={"format": "decimal"}, examples=["100.50"])]


def plain(number: Decimal) -> str:
    """Write a decimal of another exchange: all its places, without an exponent or zeros behind them."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(price: Decimal) -> Decimal:
    """Round an average of a venue's prices to as many places as these may have."""
    return price.quantize(_VENUE_STEP, context=_WIDE)


def money(micros: int) -> str:
    """Write USDC."""
    return render(micros, MONEY_EXPONENT)


def money_or_null(micros: int | None) -> str | None:
    """Write USDC, where there is a figure."""
    return None if micros is None else money(micros)


def micros(text: str) -> int:
    """Read USDC as they are written here."""
    return parse(text, MONEY_EXPONENT)


def margin_level(equity: int, used_margin: int) -> str | None:
    """Write equity / used margin, rounded down; null without a position."""
    return render(equity * 10**LEVEL_EXPONENT // used_margin, LEVEL_EXPONENT) if used_margin else None


def price(instrument: Instrument, ticks: int) -> str:
    """Write a price of an instrument."""
    return render(ticks, instrument.tick_exponent)


def price_or_null(instrument: Instrument, ticks: int | None) -> str | None:
    """Write a price, where there is one."""
    return None if ticks is None else price(instrument, ticks)


def mid(instrument: Instrument, doubled: int) -> str:
    """Write a mid, given bid + ask in ticks: half of it is five tenths."""
    return render(doubled * 5, instrument.tick_exponent + 1)


def quantity(instrument: Instrument, lots: int) -> str:
    """Write a quantity of an instrument."""
    return render(lots, instrument.lot_exponent)


def leverage(hundredths: int) -> str:
    """Write a leverage."""
    return render(hundredths, LEVERAGE_EXPONENT)


def rate(ppm: int) -> str:
    """Write a rate as a fraction of one."""
    return render(ppm, PPM_EXPONENT)


def parameters_of(instrument: Instrument) -> dict[str, str | int]:
    """Write an instrument's units, limits and rates, each under its name; the age of its price depends on the rules."""
    return {
        "symbol": instrument.symbol,
        "tick_size": price(instrument, 1),
        "lot_size": quantity(instrument, 1),
        "quantity_min": quantity(instrument, instrument.quantity_min),
        "quantity_max": quantity(instrument, instrument.quantity_max),
        "leverage_min": leverage(instrument.leverage_min),
        "leverage_max": leverage(instrument.leverage_max),
        "fee_rate": rate(instrument.fee_rate),
        "maintenance_rate": rate(instrument.maintenance_rate),
        "margin_floor_rate": rate(instrument.margin_floor_rate),
        "liquidation_fee_rate": rate(instrument.liquidation_fee_rate),
        "slippage_bps": instrument.slippage_bps,
        "spread_max": rate(instrument.spread_max),
        "jump_max": rate(instrument.jump_max),
        "notional_max": money(instrument.notional_max),
        "account_notional_max": money(instrument.account_notional_max),
        "side_notional_max": money(instrument.side_notional_max),
    }
