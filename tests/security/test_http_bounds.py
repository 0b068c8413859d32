"""No client takes a server of ours away from the others: bytes, seconds and connections have bounds at each."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest

from runtime.http_bounds import FIELDS_MAX, HEAD_MAX
from tests.api.exchange import Exchange
from tests.processes import eventually
from tests.security.slow_clients import (
    LOOPBACK,
    answer_to,
    connection,
    connections,
    flood,
    is_open,
    read_to_the_end,
    seconds_until_ended,
    status_of,
)

MEGABYTE = 1024 * 1024
HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
HALF_HEAD = HEAD + b"X-More: "
HALF_BODY = POST + b"Content-Length: 100\r\n\r\n{"
OTHER = "127.0.0.2"  # no proxy's address
SERVERS = ("api", "engine", "replay", "projector")  # The last one's pages are served as the engine's are.


@pytest.fixture(params=["api", "engine", "replay", pytest.param("projector", marks=pytest.mark.slow)])
def port(request: pytest.FixtureRequest, bounded: Exchange) -> int:
    """The port of each server in turn."""
    return port_of(bounded, request.param)


def port_of(exchange: Exchange, server: str) -> int:
    number: int = getattr(exchange.settings, "port" if server == "api" else f"{server}_port")
    return number


def health(port: int, page: str = "/healthz") -> int:
    return httpx.get(f"http://{LOOPBACK}:{port}{page}", timeout=10, trust_env=False).status_code


ENDLESS = {
    "one header": (HEAD + b"X-Long: ", b"a" * 65_536),
    "many headers": (HEAD, b"X-Short: a\r\n" * 4_096),
    "an address": (b"GET /", b"a" * 65_536),
    "a method": (b"", b"A" * 65_536),
    "a chunk's extension": (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"e" * 65_536),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Late: a\r\n" * 4_096),
    "empty lines": (b"", b"\r\n" * 32_768),
    "a body": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"b" * 65_536 + b"\r\n"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_a_server_reads_no_endless_part_of_a_request(port: int, what: str) -> None:
    taken, answer = flood(port, *ENDLESS[what], 100 * MEGABYTE)
    assert taken < 30 * MEGABYTE
    assert status_of(answer) in {0, 400, 404, 405, 408, 413, 431}
    assert health(port) == 200


def test_an_endless_head_costs_the_api_no_memory(bounded: Exchange) -> None:
    process = psutil.Process(bounded.services["api"].process.pid)
    before = process.memory_info().rss
    for first, piece in ENDLESS.values():
        flood(bounded.settings.port, first, piece, 100 * MEGABYTE)
    assert process.memory_info().rss - before < 50 * MEGABYTE


def test_a_head_beyond_its_bound_is_refused_as_a_problem_with_the_headers_of_every_answer(port: int) -> None:
    answer = answer_to(port, HEAD + b"X-Long: " + b"a" * HEAD_MAX + b"\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 431
    assert json.loads(body)["code"] == "HEAD_TOO_LARGE"
    assert b"application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert b"frame-ancestors 'none'" in head


def test_a_head_within_its_bounds_is_read(port: int) -> None:
    fields = b"".join(b"X-Field-%d: a\r\n" % number for number in range(FIELDS_MAX - 2))
    assert status_of(answer_to(port, HEAD + fields + b"Connection: close\r\n\r\n")) == 200
    long = b"X-Long: " + b"a" * (HEAD_MAX - 1_000)
    assert status_of(answer_to(port, HEAD + long + b"\r\nConnection: close\r\n\r\n")) == 200


def test_more_headers_than_there_may_be_are_refused(port: int) -> None:
    fields = b"".join(b"X-Field-%d: a\r\n" % number for number in range(FIELDS_MAX))
    assert status_of(answer_to(port, HEAD + fields + b"Connection: close\r\n\r\n")) == 431


@pytest.mark.parametrize(
    "said", [b"", b"G", HEAD, HALF_HEAD, b"\r\n"], ids=["nothing", "a letter", "lines", "half", "empty"]
)
def test_a_connection_without_a_whole_head_ends(bounded: Exchange, said: bytes) -> None:
    with connection(bounded.settings.port) as silent:
        silent.sendall(said)
        assert seconds_until_ended(silent) < 8


def test_no_server_keeps_a_connection_that_says_nothing_or_half_a_head_or_waits_between_two_requests(
    bounded: Exchange,
) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(3 * len(SERVERS)) as pool:
        ends = {}
        for server in SERVERS:
            silent, half, idle = (stack.enter_context(connection(port_of(bounded, server))) for _ in range(3))
            half.sendall(HALF_HEAD)
            idle.sendall(HEAD + b"\r\n")
            assert status_of(idle.recv(65_536)) == 200
            for name, one, most in (("silent", silent, 15), ("half", half, 15), ("idle", idle, 10)):
                ends[server, name, most] = pool.submit(seconds_until_ended, one)
        late = [(name, end.result()) for name, end in ends.items() if end.result() > name[2]]
    assert late == []


def test_a_head_that_arrives_a_byte_at_a_time_ends_all_the_same(bounded: Exchange) -> None:
    with connection(bounded.settings.port) as slow:
        slow.settimeout(0.2)
        sent = 0
        try:
            for sent in range(100):
                slow.sendall(HALF_HEAD[sent % len(HALF_HEAD) :][:1])
                try:
                    if not slow.recv(1_000):
                        break
                except TimeoutError:
                    continue
                break
        except ConnectionError:
            pass
        assert sent < 20


def test_a_body_that_does_not_arrive_is_refused_as_too_slow(bounded: Exchange) -> None:
    answer = answer_to(bounded.settings.port, HALF_BODY)
    assert status_of(answer) == 408
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "REQUEST_TOO_SLOW"


def test_a_body_that_nobody_reads_ends_all_the_same(bounded: Exchange) -> None:
    unread = b"POST /nowhere HTTP/1.1\r\nHost: here\r\nContent-Length: 60000\r\n\r\n{"
    with connection(bounded.settings.port) as sent:
        sent.sendall(unread)
        assert seconds_until_ended(sent) < 10


@pytest.mark.parametrize("said", [b"", HALF_HEAD, HALF_BODY], ids=["silent", "half a head", "half a body"])
def test_the_health_of_the_api_is_answered_while_connections_wait_on_their_clients(
    bounded: Exchange, said: bytes
) -> None:
    api = psutil.Process(bounded.services["api"].process.pid)
    before = api.num_fds()
    most = bounded.settings.http_connections
    with connections(bounded.settings.port, 5 * most, said):
        assert health(bounded.settings.port) == 200
        assert health(bounded.settings.port, "/readyz") == 200
        assert api.num_fds() - before <= most + 10
    eventually(api.num_fds, lambda now: now <= before + 10)


def test_many_silent_connections_to_a_service_leave_its_pages_answered(port: int) -> None:
    with connections(port, 600):
        assert health(port) == 200


def test_an_address_has_no_more_connections_than_its_bound_and_another_address_goes_on(bounded: Exchange) -> None:
    port, most = bounded.settings.port, bounded.settings.http_connections_of_address
    with connection(port) as first, connections(port, 2 * most, HALF_HEAD, OTHER) as others:
        first.sendall(HALF_HEAD)
        eventually(lambda: sum(map(is_open, others)), lambda count: count <= most)
        assert is_open(first)
        assert status_of(answer_to(port, HEAD + b"Connection: close\r\n\r\n", OTHER)) == 200


def test_pipelined_requests_beyond_a_bound_end_the_connection(port: int) -> None:
    answer = answer_to(port, (HEAD + b"\r\n") * 4_000)
    assert answer.count(b"HTTP/1.1 200") < 1_000
    assert health(port) == 200


def test_pipelined_requests_within_the_bound_are_answered_in_order(bounded: Exchange) -> None:
    asked = (HEAD + b"\r\n") * 7 + HEAD + b"Connection: close\r\n\r\n"
    assert answer_to(bounded.settings.port, asked).count(b"HTTP/1.1 200") == 8


def test_a_client_that_reads_no_answer_is_not_waited_for(bounded: Exchange) -> None:
    with connection(bounded.settings.port) as deaf:
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 8)
        assert health(bounded.settings.port) == 200


def test_an_order_is_placed_beside_connections_that_wait(bounded: Exchange) -> None:
    user = bounded.new_user()
    with connections(bounded.settings.port, 100, HALF_BODY):
        assert user.opened()["status"] == "filled"


def test_a_request_in_two_parts_is_answered(port: int) -> None:
    with connection(port) as sent:
        sent.sendall(HALF_HEAD)
        sent.sendall(b"a\r\nConnection: close\r\n\r\n")
        assert status_of(read_to_the_end(sent)) == 200
