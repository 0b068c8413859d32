"""A client of given brokers logs in as the settings say, in both libraries; what they lack is said in one line."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from runtime.aiokafka_security import TokenProvider, aiokafka_security
from runtime.errors import FixableError
from runtime.kafka import admin_options, command_producer_options, reader_options, transactional_producer_options
from runtime.kafka_security import librdkafka_security
from runtime.settings import Settings

SCRAM = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_sasl_username": "engine",
    "kafka_sasl_password": "a password",
}
OAUTH = {
    "kafka_security_protocol": "SASL_PLAINTEXT",
    "kafka_sasl_mechanism": "OAUTHBEARER",
    "kafka_oauth_token_url": "http://127.0.0.1:1/token",
    "kafka_oauth_client_id": "engine",
    "kafka_oauth_client_secret": "a secret",
    "kafka_oauth_scope": "kafka",
}


def given(**values: object) -> Settings:
    return Settings.model_validate(values)


def test_a_client_without_these_settings_logs_in_nowhere() -> None:
    assert librdkafka_security(given()) == {}
    assert aiokafka_security(given()) == {"security_protocol": "PLAINTEXT"}


def test_every_client_of_librdkafka_logs_in_by_the_same_settings(tmp_path: Path) -> None:
    settings = given(**SCRAM, kafka_ssl_ca_file=tmp_path / "ca.pem")
    wanted = {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "engine",
        "sasl.password": "a password",
    }
    for options in (
        admin_options(settings),
        command_producer_options(settings),
        reader_options(settings, "any"),
        transactional_producer_options(settings, "engine-0"),
    ):
        assert options.items() >= wanted.items()


def test_a_client_of_aiokafka_logs_in_by_the_same_settings() -> None:
    arguments = aiokafka_security(given(**SCRAM))
    assert arguments.pop("ssl_context").check_hostname
    assert arguments == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "engine",
        "sasl_plain_password": "a password",
    }


def test_both_libraries_get_their_tokens_at_the_same_place() -> None:
    options = librdkafka_security(given(**OAUTH))
    assert options["sasl.oauthbearer.token.endpoint.url"] == OAUTH["kafka_oauth_token_url"]
    assert options["sasl.oauthbearer.method"] == "oidc"
    assert isinstance(aiokafka_security(given(**OAUTH))["sasl_oauth_token_provider"], TokenProvider)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (SCRAM | {"kafka_sasl_password": ""}, "KAFKA_SECURITY_PROTOCOL=SASL_SSL needs KAFKA_SASL_PASSWORD; set it."),
        (
            {"kafka_security_protocol": "SASL_PLAINTEXT"},
            "needs KAFKA_SASL_MECHANISM and KAFKA_SASL_PASSWORD and KAFKA_SASL_USERNAME; set them.",
        ),
        (OAUTH | {"kafka_oauth_token_url": None}, "needs KAFKA_OAUTH_TOKEN_URL; set it."),
        (SCRAM | {"kafka_security_protocol": "SSL"}, "KAFKA_SECURITY_PROTOCOL is SSL, by which no password is sent."),
    ],
)
def test_a_setting_that_lacks_another_is_said_in_one_line(values: dict[str, object], said: str) -> None:
    for options in (librdkafka_security, aiokafka_security):
        with pytest.raises(FixableError, match=r"^KAFKA_") as refused:
            options(given(**values))
        assert said in str(refused.value)
        assert "a password" not in str(refused.value)


def test_files_of_certificates_that_cannot_be_read_are_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FixableError, match=r"^The files of KAFKA_SSL_\* cannot be used: "):
        aiokafka_security(given(kafka_security_protocol="SSL", kafka_ssl_ca_file=tmp_path / "none.pem"))


@pytest.fixture
def tokens() -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """Where tokens are had, each good for an hour, and what was asked there."""
    asked: list[dict[str, list[str]]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append(parse_qs(self.rfile.read(length).decode()) | {"by": [self.headers["Authorization"]]})
            answer = json.dumps({"access_token": f"token {len(asked)}", "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token", asked
        server.shutdown()


def test_a_token_is_fetched_once_while_it_is_good(tokens: tuple[str, list[dict[str, list[str]]]]) -> None:
    url, asked = tokens
    provider = TokenProvider(given(**OAUTH | {"kafka_oauth_token_url": url}))

    async def twice() -> list[str]:
        return list(await asyncio.gather(provider.token(), provider.token()))

    assert asyncio.run(twice()) == ["token 1", "token 1"]
    (form,) = asked
    assert form["grant_type"] == ["client_credentials"]
    assert form["scope"] == ["kafka"]
    assert form["by"][0].startswith("Basic ")
