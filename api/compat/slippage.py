"""How far a price may move against an order, as the seeds' clients write it: percent, or basis points."""

from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from api.http.numbers import digits
from api.http.sentences import FieldWrong
from schemas.units import BPS

DESCRIPTION: Final = "worst distance from the price now: a whole number is basis points, one with decimals percent"
BPS_OF_PERCENT: Final = 100


def basis_points(value: object) -> int:
    """Read a slippage; a part of a basis point is not granted."""
    number = Decimal(digits(value))
    bps = number if number == number.to_integral_value() else number * BPS_OF_PERCENT
    if not 0 <= bps <= BPS:
        raise FieldWrong("is 0 to 100 percent")
    return int(bps.to_integral_value(ROUND_FLOOR))


Slippage = Annotated[
    int,
    BeforeValidator(basis_points),
    WithJsonSchema({"type": "number", "description": DESCRIPTION, "examples": [50, 0.5]}),
]
