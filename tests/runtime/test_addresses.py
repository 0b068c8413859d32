"""A server of this machine is met directly, and `up` tells what `curl` needs for that."""

import pytest

from runtime.addresses import past_proxies

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, ""),
        ({"https_proxy": PROXY}, ""),
        ({"http_proxy": PROXY}, " --noproxy '*'"),
        ({"ALL_PROXY": "socks5://127.0.0.1:9"}, " --noproxy '*'"),
        ({"http_proxy": PROXY, "no_proxy": "example.com,127.0.0.1"}, ""),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "*"}, ""),
    ],
)
def test_curl_needs_an_option_exactly_where_a_proxy_is_between_it_and_this_machine(
    environment: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert past_proxies() == told
