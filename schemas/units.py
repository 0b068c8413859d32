"""How the ledger's integers and the world's decimal digits become each other; never through a float."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, NewType, Self

# mypyc takes it for true: to it a unit is the integer that it is, and a sum of units one too.
UNITS_ARE_INTEGERS: Final = False

if TYPE_CHECKING and not UNITS_ARE_INTEGERS:

    class _Sum(int):
        """A unit whose sums are of the same unit. For the type checker alone, so that no sum costs a call."""

        def __new__(cls, number: int, /) -> Self: ...
        def __add__(self, other: Self, /) -> Self: ...  # type: ignore[override]
        def __sub__(self, other: Self, /) -> Self: ...  # type: ignore[override]
        def __neg__(self) -> Self: ...

    class Micros(_Sum):
        """0.000001 USDC."""

    class Lots(_Sum):
        """One quantity step of the instrument."""

else:
    Micros = NewType("Micros", int)  # 0.000001 USDC
    Lots = NewType("Lots", int)  # one quantity step of the instrument
Ticks = NewType("Ticks", int)  # one price step of the instrument
Ppm = NewType("Ppm", int)  # parts per million
Hundredths = NewType("Hundredths", int)  # of 1x leverage
Timestamp = NewType("Timestamp", int)  # microseconds UTC

MONEY_EXPONENT: Final = 6
LEVERAGE_EXPONENT: Final = 2
MICROS_PER_USDC: Final = 1_000_000
PPM: Final = 1_000_000  # parts in a whole
BPS: Final = 10_000  # basis points in a whole
LEVERAGE_ONE: Final = 100  # 1.00x in hundredths
SECOND: Final = 1_000_000  # microseconds
MINUTE: Final = 60 * SECOND
DAY: Final = 24 * 60 * MINUTE
INT64_MAX: Final = 2**63 - 1
DIGITS_MAX: Final = 40


class NotRepresentable(ValueError):
    """Digits that are no number, need more decimal places than the unit has, or exceed 64 bits."""


def parse(digits: str | Decimal, exponent: int) -> int:
    """Give the digits as a whole number of 10^-exponent. Nothing is rounded: what does not fit is NotRepresentable."""
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise NotRepresentable(f"{str(digits)[:DIGITS_MAX]!r} is not a decimal number") from None
    if not number.is_finite():
        raise NotRepresentable(f"{digits} is not a finite number")
    sign, figures, power = number.as_tuple()
    assert isinstance(power, int), "a finite number has an exponent"
    if len(figures) > DIGITS_MAX or abs(number.adjusted()) > DIGITS_MAX:
        raise _beyond(str(digits)[:DIGITS_MAX], exponent)
    units = int("".join(map(str, figures)))
    shift = power + exponent
    scale: int = 10 ** abs(shift)
    whole, rest = (units * scale, 0) if shift >= 0 else divmod(units, scale)
    if rest:
        raise NotRepresentable(f"{digits} has more than {exponent} decimal places")
    if whole > INT64_MAX:
        raise _beyond(str(digits), exponent)
    return -whole if sign else whole


def _beyond(digits: str, exponent: int) -> NotRepresentable:
    return NotRepresentable(f"{digits} is beyond {render(INT64_MAX, exponent)}, the most the ledger can hold")


def render(units: int, exponent: int) -> str:
    """Write a whole number of 10^-exponent with all its decimal places: 150 and 2 give 1.50."""
    if exponent == 0:
        return str(units)
    sign = "-" if units < 0 else ""
    whole, fraction = divmod(abs(units), 10**exponent)
    return f"{sign}{whole}.{fraction:0{exponent}d}"
