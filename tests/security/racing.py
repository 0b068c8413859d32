"""Requests that are sent at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

Sent = Callable[[], httpx.Response]


def at_once(requests: Sequence[Sent]) -> list[httpx.Response]:
    """Send all of them at the same moment; their replies, in the order of the requests."""
    gate = threading.Barrier(len(requests))

    def send(one: Sent) -> httpx.Response:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))
