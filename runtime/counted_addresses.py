"""By which text an address is counted: what one household or machine may choose from counts as one."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

IPV6_COUNTED: Final = 64  # bits: a provider gives each customer at least such a network
# Some proxies add the port.
_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]+)\](?::\d+)?|(?P<v4>\d+(?:\.\d+){3}):\d+", re.ASCII)


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Read an address, an IPv4 one also where it is written as IPv6; null for what is none."""
    found = _WITH_PORT.fullmatch(address)
    text = address if found is None else found["v6"] or found["v4"]
    try:
        read = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return read.ipv4_mapped or read if isinstance(read, IPv6Address) else read


def counted(address: str) -> str:
    """Give what an address is counted by: an IPv4 address itself, of IPv6 its network of 64 bits."""
    read = parsed(address)
    if read is None:
        return address
    return str(ip_network((read, IPV6_COUNTED), strict=False)) if isinstance(read, IPv6Address) else str(read)
