"""What seed 004's clients say with an order, which is stored and shown again, and guards nothing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from api.http.problems import malformed
from api.store.tables import client_prices

EXPONENT_MAX: Final = 40


class ClientPrice(NamedTuple):
    """The price a client's page showed and the slippage its form sent, in their digits; null where it said none."""

    order_id: str
    account_id: str
    price: str | None
    slippage: str | None


_COLUMNS: Final = tuple(client_prices.c[name] for name in ClientPrice._fields)


def as_sent(pointer: str, text: str | None) -> str | None:
    """Give a number in its digits, unless they would fill pages."""
    if text is not None and (number := Decimal(text)) and abs(number.adjusted()) > EXPONENT_MAX:
        raise malformed(pointer, "is beyond what can be shown")
    return text


def add(db: Connection, said: ClientPrice) -> ClientPrice:
    """Store what was said, and give what is stored for its order: what is said again later changes nothing."""
    added = insert(client_prices).values(**said._asdict()).on_conflict_do_nothing().returning(*_COLUMNS)
    row = db.execute(added).one_or_none()
    if row is None:
        row = db.execute(select(*_COLUMNS).where(client_prices.c.order_id == said.order_id)).one()
    return ClientPrice(*row)


def of_orders(db: Connection, account_id: str, order_ids: Sequence[str]) -> dict[str, ClientPrice]:
    """Give what was said with each of an account's orders."""
    query = select(*_COLUMNS).where(client_prices.c.account_id == account_id, client_prices.c.order_id.in_(order_ids))
    return {row.order_id: ClientPrice(*row) for row in db.execute(query)}
