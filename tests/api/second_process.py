"""A second process of the API beside an exchange's first."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import randrange
from typing import Final

from stack.ports import is_free
from tests.api.exchange import Exchange, User, service

# Below those from which the kernel gives connections theirs: a busy exchange has many, and one could take the port.
PORTS: Final = (20_000, 32_000)


@contextmanager
def second_process(exchange: Exchange, **settings: object) -> Iterator[Exchange]:
    """The same exchange, by another process of the API."""
    other = exchange.settings.model_copy(update={"port": _port()} | settings)
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


def _port() -> int:
    while not is_free(port := randrange(*PORTS)):
        pass
    return port
