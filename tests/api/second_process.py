"""A second process of the API beside an exchange's first."""

from collections.abc import Iterator
from contextlib import contextmanager

from stack.ports import free_ports
from tests.api.exchange import Exchange, User, service


@contextmanager
def second_process(exchange: Exchange, **settings: object) -> Iterator[Exchange]:
    """The same exchange, by another process of the API."""
    other = exchange.settings.model_copy(update={"port": free_ports(1)[0]} | settings)
    with service("api", other, exchange.folder) as api:
        running = Exchange(other, exchange.folder)
        running.until_ready(api)
        yield running
        running.close()


@contextmanager
def at(place: Exchange, user: User) -> Iterator[User]:
    """The same user, by another process."""
    there = User(place.url, user.email, user.token)
    with there.http:
        yield there
