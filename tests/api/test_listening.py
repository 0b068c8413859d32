"""A client that says `localhost` reaches the API by whichever of its addresses it tries first."""

import contextlib
import socket
from contextlib import ExitStack
from typing import Any

import pytest

from api.http.listening import LOOPBACK, LOOPBACK_6, listening
from runtime.errors import FixableError
from runtime.settings import Settings
from stack.ports import free_ports


def has_ipv6() -> bool:
    try:
        socket.create_server((LOOPBACK_6, 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_the_api_listens_on_both_addresses_of_localhost_at_its_own_port_and_the_seeds_ports() -> None:
    port, one, other = free_ports(3)
    with ExitStack() as opened:
        for place in listening(Settings.model_validate({"port": port, "seed_ports": (one, other)})):
            opened.enter_context(place)
        for host in (LOOPBACK, LOOPBACK_6):
            for number in (port, one, other):
                socket.create_connection((host, number), timeout=5).close()


def test_the_api_listens_only_on_a_configured_address() -> None:
    (port,) = free_ports(1)
    (only,) = listening(Settings.model_validate({"api_host": "0.0.0.0", "port": port}))
    with only:
        assert only.getsockname() == ("0.0.0.0", port)


def test_without_ipv6_the_api_listens_on_the_ipv4_address(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def without_ipv6(address: tuple[str, int], *, family: int, **options: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError("Address family not supported by protocol")
        return create(address, family=family, **options)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    (port,) = free_ports(1)
    (only,) = listening(Settings.model_validate({"port": port, "seed_ports": ()}))
    with only:
        assert only.getsockname() == (LOOPBACK, port)


def test_a_taken_port_stops_the_start_and_releases_the_other_ports() -> None:
    first, (port,) = socket.create_server((LOOPBACK, 0)), free_ports(1)
    with first:
        taken = first.getsockname()[1]
        with pytest.raises(FixableError, match=f"cannot listen on {LOOPBACK}:{taken}"):
            listening(Settings.model_validate({"port": port, "seed_ports": (taken,)}))
    socket.create_server((LOOPBACK, port)).close()


def test_several_processes_of_one_exchange_listen_at_one_port_and_a_lone_one_takes_none_of_theirs() -> None:
    (port,) = free_ports(1)
    shared = Settings.model_validate({"port": port, "seed_ports": (), "api_workers": 2})
    with contextlib.ExitStack() as opened:
        for _ in range(2):
            for each in listening(shared):
                opened.enter_context(each)
        with pytest.raises(FixableError, match="cannot listen on"):
            listening(shared.model_copy(update={"api_workers": 1}))
