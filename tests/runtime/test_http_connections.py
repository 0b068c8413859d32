"""Whose connections share a bound: those of one IPv4 address, and those of one IPv6 network of 64 bits."""

from asyncio import Transport

from runtime.http_connections import Connections


def taken(connections: Connections, *addresses: str) -> list[bool]:
    """Whether a connection of each address in turn has room; none of them gives way."""
    return [connections.enter(Transport(), address, lambda: None) for address in addresses]


def test_ipv6_addresses_of_one_network_of_64_bits_share_the_bound_of_an_address() -> None:
    connections = Connections(in_all=100, of_address=2)
    assert taken(connections, "2001:db8::1", "2001:db8::2", "2001:db8::ffff:3") == [True, True, False]
    assert taken(connections, "2001:db8:0:1::1") == [True]


def test_ipv4_addresses_have_a_bound_each_also_where_they_are_written_as_ipv6() -> None:
    connections = Connections(in_all=100, of_address=1)
    assert taken(connections, "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1") == [True, True, False]


def test_the_waiting_connection_of_one_network_gives_way_to_a_new_one() -> None:
    connections = Connections(in_all=100, of_address=1)
    ended: list[str] = []
    first = Transport()
    assert connections.enter(first, "2001:db8::1", lambda: ended.append("first"))
    connections.waits(first)
    assert taken(connections, "2001:db8::2") == [True]
    assert ended == ["first"]


def test_a_place_that_was_left_is_free_for_the_whole_network() -> None:
    connections = Connections(in_all=100, of_address=1)
    first = Transport()
    assert connections.enter(first, "2001:db8::1", lambda: None)
    connections.leave(first)
    assert taken(connections, "2001:db8::2", "2001:db8::1") == [True, False]


def test_a_trusted_proxy_has_no_bound_and_takes_no_place_of_its_network() -> None:
    connections = Connections(in_all=100, of_address=1, trusted="2001:db8::1")
    assert taken(connections, "2001:db8::1", "2001:db8::1") == [True, True]
    assert taken(connections, "2001:db8::2", "2001:db8::3") == [True, False]
