"""Which addresses are of this machine: a proxy of the environment is for the world outside."""

from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

LOOPBACK_HOST = "127.0.0.1"


def is_local(url: str) -> bool:
    """Whether an address is of this machine; a server there is met directly."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def past_proxies() -> str:
    """What `curl` must be told to meet a server of this machine, where a proxy of the environment is in between."""
    proxies = getproxies_environment()
    is_between = {"http", "all"} & set(proxies) and not proxy_bypass(LOOPBACK_HOST)
    return " --noproxy '*'" if is_between else ""
