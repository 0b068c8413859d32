"""Several processes of the API answer at one port, and share what each of them counts and has answered."""

import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, text

from api.credentials.throttle import ACCOUNT_FAILURES_MAX
from stack.ports import free_ports
from tests.api.exchange import PASSWORD, READY_TIMEOUT_S, Exchange
from tests.api.second_process import at, second_process
from tests.processes import eventually

ORDERS_MAX = 12
CONNECTIONS = 40
ROUNDS = 25
NARROW = {"api_workers": 2, "rate_limit_orders": f"{ORDERS_MAX}/day"}
WIDE = {"api_workers": 2}


@pytest.fixture(scope="module")
def pair(exchange: Exchange) -> Iterator[tuple[Exchange, Exchange]]:
    """Two processes at one port, each with pages of its own."""
    port, *pages = free_ports(3)
    with (
        second_process(exchange, port=port, api_pages_port=pages[0], **WIDE) as one,
        second_process(exchange, port=port, api_pages_port=pages[1], **WIDE) as other,
    ):
        for page in pages:
            # At the port they share, either answers for both.
            eventually(lambda: is_ready(page), bool, READY_TIMEOUT_S)  # noqa: B023  # Called at once.
        yield one, other


def is_ready(page: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{page}/readyz", timeout=20).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def apart(exchange: Exchange) -> Iterator[tuple[Exchange, Exchange]]:
    """Two processes at ports of their own, as behind a proxy: a test chooses which of them it asks."""
    with second_process(exchange, **NARROW) as one, second_process(exchange, **NARROW) as other:
        yield one, other


def answered(process: Exchange) -> float:
    """How many requests for tickers a process has answered."""
    lines = process.metrics().splitlines()
    counts = [line for line in lines if line.startswith("request_seconds_count") and 'route="/api/v1/tickers"' in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counts)


def test_connections_to_the_one_port_reach_every_process(pair: tuple[Exchange, Exchange]) -> None:
    before = [answered(process) for process in pair]
    for _ in range(CONNECTIONS):
        assert httpx.get(f"{pair[0].url}/api/v1/tickers", timeout=20).status_code == 200
    counts = [answered(process) - past for process, past in zip(pair, before, strict=True)]
    assert sum(counts) == CONNECTIONS
    assert min(counts) > 0


def test_a_key_is_used_once_whichever_process_its_requests_reach(pair: tuple[Exchange, Exchange]) -> None:
    user = pair[0].new_user()
    order = {"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "10", "leverage": "10"}
    headers = {"Authorization": f"Bearer {user.token}", "Idempotency-Key": uuid4().hex}
    replies = [httpx.post(f"{pair[0].url}/api/v1/orders", json=order, headers=headers, timeout=20) for _ in range(12)]
    assert {reply.status_code for reply in replies} <= {201, 200}
    assert len({reply.json()["order_id"] for reply in replies}) == 1


def test_orders_of_an_account_at_two_processes_share_one_limit(apart: tuple[Exchange, Exchange]) -> None:
    user = apart[0].new_user()
    order = {"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "10", "leverage": "10"}
    headers = {"Authorization": f"Bearer {user.token}"}
    statuses = []
    for number in range(2 * ORDERS_MAX):
        url = f"{apart[number % 2].url}/api/v1/orders"
        statuses.append(httpx.post(url, json=order, headers=headers, timeout=20).status_code)
        time.sleep(0.3)  # Until each knows of the other's.
    done = statuses.count(201)
    assert ORDERS_MAX - 1 <= done <= ORDERS_MAX + 1, statuses
    assert statuses[-6:] == [429] * 6


def test_wrong_passwords_at_two_processes_count_together(apart: tuple[Exchange, Exchange]) -> None:
    user = apart[0].new_user()
    statuses = []
    for number in range(2 * ACCOUNT_FAILURES_MAX):
        wrong = {"email": user.email, "password": f"{PASSWORD}{number}"}
        url = f"{apart[number % 2].url}/api/v1/auth/login"
        statuses.append(httpx.post(url, json=wrong, timeout=20).status_code)
    assert statuses == [401] * ACCOUNT_FAILURES_MAX + [429] * ACCOUNT_FAILURES_MAX


def test_a_program_without_the_header_reads_at_one_process_what_the_other_has_answered(
    pair: tuple[Exchange, Exchange],
) -> None:
    user = pair[0].new_user()
    order = {"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "10", "leverage": "10"}
    headers = {"Authorization": f"Bearer {user.token}"}
    for expected in range(1, ROUNDS + 1):
        # A connection each: whichever process has it, knows neither a cookie nor a header of the other's reply.
        reply = httpx.post(f"{pair[0].url}/api/v1/orders", json=order, headers=headers, timeout=20)
        assert reply.status_code == 201, reply.text
        listed = httpx.get(f"{pair[0].url}/api/v1/positions?limit=200", headers=headers, timeout=20)
        assert "Projection-Lag" not in listed.headers
        assert len(listed.json()["items"]) == expected


def test_the_stored_counts_of_requests_name_no_account_and_no_address(apart: tuple[Exchange, Exchange]) -> None:
    user = apart[0].new_user()
    account_id = user.get("/account")["account_id"]
    engine = create_engine(apart[0].settings.database_url)
    for process in apart:
        with at(process, user) as there:
            assert there.http.get("/positions").status_code == 200

    def stored() -> list[str]:
        with engine.connect() as db:
            return list(db.execute(text("SELECT t::text FROM auth.request_counts t")).scalars())

    texts = str(eventually(stored, bool))
    engine.dispose()
    assert account_id not in texts
    assert "127.0.0.1" not in texts
