"""Requests that are sent at the same moment, and a second process of the API beside the first."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from stack.ports import free_ports
from tests.api.exchange import Exchange, User, service

Sent = Callable[[], httpx.Response]


def at_once(requests: Sequence[Sent]) -> list[httpx.Response]:
    """Send all of them at the same moment; their replies, in the order of the requests."""
    gate = threading.Barrier(len(requests))

    def send(one: Sent) -> httpx.Response:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


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
