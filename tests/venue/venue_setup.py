"""A worker process, a projection, and an account with stored keys, for the venue's tests."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal
from uuid import UUID, uuid4

from confluent_kafka import Producer
from sqlalchemy import Engine, delete, insert

from api.store.migrate import migrate as migrate_auth
from api.store.tables import users, venue_keys
from projector import queries
from projector.database import connect
from projector.migrate import migrate as migrate_ledger
from runtime.kafka import command_producer_options, read_back
from runtime.settings import Settings
from runtime.vault import vault_of
from runtime.venue_keys import VenueKeys, seal_keys
from schemas.topics import OTHER_PARTITIONS, VENUE_COMMANDS, VENUE_EVENTS
from schemas.venue import decode_venue_event, encode_venue
from schemas.venue_messages import (
    CancelVenueOrder,
    PlaceVenueOrder,
    VenueCommand,
    VenueCommandRejected,
    VenueEvent,
    VenueOrder,
    VenueReset,
)
from stack.ports import free_ports
from tests.processes import ServiceProcess, eventually, gone_at_the_end
from tests.venue.testnet import Testnet

ENCRYPTION_KEY: Final = "an-encryption-key-of-32-letters!"
FINAL: Final = frozenset({"filled", "cancelled", "expired", "rejected", "venue_reset", "abandoned"})
ALL: Final = 1 << 62


class Trader:
    """A user with keys of the venue."""

    def __init__(self, user_id: UUID, account_id: str, api_key: str, secret: str) -> None:
        self.user_id = user_id
        self.account_id = account_id
        self.api_key = api_key
        self.secret = secret


class VenueSetup:
    """Everything around one worker."""

    def __init__(self, settings: Settings, testnet: Testnet, folder: Path) -> None:
        self.settings = settings
        self.testnet = testnet
        self.folder = folder
        self.engine: Engine = connect(settings.database_url)
        self._producer = Producer(command_producer_options(settings, "test-venue"))

    @contextmanager
    def worker(self, name: str = "venue") -> Iterator[ServiceProcess]:
        """A worker that is gone at the end of the block; two at once have ports of their own."""
        settings = self.settings.model_copy(update={"venue_port": free_ports(1)[0]})
        with gone_at_the_end(ServiceProcess("venue", settings, self.folder / f"{name}.log")) as process:
            yield process

    def trader(self, secret: str | None = None) -> Trader:
        """A user with stored keys, which the venue knows."""
        user_id, account_id = uuid4(), str(uuid4())
        keys = VenueKeys(f"key{uuid4().hex}", secret or f"secret{uuid4().hex}")
        self.testnet.open_account(keys.api_key, keys.secret)
        with self.engine.begin() as db:
            db.execute(
                insert(users).values(
                    user_id=user_id, email=f"{user_id}@example.com", password_hash="-", account_id=account_id
                )
            )
        self.store(user_id, keys)
        return Trader(user_id, account_id, keys.api_key, keys.secret)

    def store(self, user_id: UUID, keys: VenueKeys) -> None:
        key_id = uuid4()
        sealed = seal_keys(vault_of(self.settings), user_id, key_id, keys)
        with self.engine.begin() as db:
            db.execute(insert(venue_keys).values(user_id=user_id, key_id=key_id, sealed=sealed))

    def revoke(self, trader: Trader) -> None:
        """What the API does when a user revokes their keys."""
        with self.engine.begin() as db:
            db.execute(delete(venue_keys).where(venue_keys.c.user_id == trader.user_id))

    def place(
        self,
        trader: Trader,
        quantity: str = "0.01",
        side: Literal["buy", "sell"] = "buy",
        price: str | None = None,
        *,
        symbol: str = "BTCUSDT",
        kind: str | None = None,
        within_s: float = 60.0,
        order_id: str | None = None,
    ) -> str:
        """Put an order on the topic; its id."""
        order = VenueOrder(
            order_id=order_id or str(uuid4()),
            symbol=symbol,
            side=side,
            type=kind or ("MARKET" if price is None else "LIMIT"),
            quantity=quantity,
            price=price,
            stop_price=None,
            time_in_force=None,
        )
        deadline = time.time_ns() // 1_000 + int(within_s * 1_000_000)
        self.send(
            PlaceVenueOrder(command_id=str(uuid4()), account_id=trader.account_id, deadline=deadline, order=order)
        )
        return order.order_id

    def cancel(self, trader: Trader, order_id: str) -> None:
        deadline = time.time_ns() // 1_000 + 60_000_000
        self.send(
            CancelVenueOrder(
                command_id=str(uuid4()), account_id=trader.account_id, deadline=deadline, order_id=order_id
            )
        )

    def send(self, command: VenueCommand) -> None:
        self.append(encode_venue(command), command.account_id.encode())

    def append(self, value: bytes, key: bytes) -> None:
        self._producer.produce(VENUE_COMMANDS, value, key)
        assert self._producer.flush(10) == 0

    def events(self) -> list[VenueEvent]:
        """All events, partition by partition, numbered without a gap."""
        found = []
        for partition in range(OTHER_PARTITIONS):
            events = [decode_venue_event(one.value) for one in read_back(self.settings, VENUE_EVENTS, partition, ALL)]
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            found += events
        return found

    def event_names(self, order_id: str) -> list[str]:
        """The names of an order's events, in order."""
        return [
            type(event).__name__
            for event in self.events()
            if not isinstance(event, VenueCommandRejected | VenueReset) and event.order.order_id == order_id
        ]

    def orders(self, trader: Trader) -> dict[str, queries.VenueOrderRow]:
        with self.engine.connect() as db:
            return {row.order_id: row for row in queries.venue_order_rows(db, trader.account_id, 10_000).items}

    def position_row(self, account_id: str, symbol: str = "BTCUSDT") -> queries.VenuePositionRow | None:
        with self.engine.connect() as db:
            rows = queries.venue_position_rows(db, account_id)
        return next((row for row in rows if row.symbol == symbol), None)

    def position(self, trader: Trader, symbol: str) -> Decimal:
        row = self.position_row(trader.account_id, symbol)
        return Decimal(0) if row is None else row.quantity

    def wait_for(self, trader: Trader, order_id: str, *statuses: str, timeout_s: float = 60.0) -> queries.VenueOrderRow:
        """Wait until an order has one of these statuses in PostgreSQL."""
        row = eventually(
            lambda: self.orders(trader).get(order_id),
            lambda seen: seen is not None and seen.status in statuses,
            timeout_s,
        )
        assert row is not None
        return row

    def close(self) -> None:
        self.engine.dispose()


def prepare(settings: Settings) -> None:
    """Make the tables of both schemas."""
    migrate_ledger(settings.database_url)
    migrate_auth(settings.database_url)
