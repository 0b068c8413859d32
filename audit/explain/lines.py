"""How an explanation writes its lines, and an instrument's prices and sizes."""

from typing import NamedTuple

from audit.digits import money
from schemas.messages import Instrument
from schemas.units import render


class Line(NamedTuple):
    """One step: the rule of docs/rules.md it follows, if any, and the words or the sum."""

    rule: str | None
    text: str


class Units:
    """Writes an instrument's prices and sizes."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._name = instrument.symbol.partition("_")[0]

    def price(self, ticks: int | None) -> str:
        return "none" if ticks is None else render(ticks, self.instrument.tick_exponent)

    def middle(self, sum_of_ticks: int) -> str:
        """Write the middle of a bid and an ask, given their sum."""
        return render(sum_of_ticks * 5, self.instrument.tick_exponent + 1)

    def size(self, lots: int) -> str:
        return render(lots, self.instrument.lot_exponent)

    def named_size(self, lots: int) -> str:
        return f"{self.size(lots)} {self._name}"

    def product(self, lots: int, ticks: int, notional: int) -> str:
        """Write quantity x price, in whole units too where the decimals alone do not give the notional."""
        value = self.instrument.tick_value
        whole = f"{lots} lots * {ticks} ticks * {value} = {notional} micros"
        return f"{self.size(lots)} * {self.price(ticks)} = {money(notional)} USDC  ({whole})"
