"""Every download trusts the certificates of any tool's variable, one rule for pip, uv and Kafka's jars."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stack.certificates import VARIABLES, certificates, trusted_by_requests

ROOT = Path(__file__).parents[2]


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `localhost` that signs itself, with its key beside it."""
    file = tmp_path_factory.mktemp("authority") / "certificate.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.with_suffix(".key").write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    return file


@pytest.fixture(scope="module")
def repository(authority: Path) -> Iterator[str]:
    """A server whose certificate only that authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_suffix(".key"))
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_download_trusts_the_certificates_of_each_variable_and_only_within_its_block(
    variable: str, authority: Path, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trusted_by_requests(), pytest.raises(requests.exceptions.SSLError):
        requests.get(repository, timeout=30)
    monkeypatch.setenv(variable, str(authority))
    with trusted_by_requests():
        assert requests.get(repository, timeout=30).status_code == 200
    monkeypatch.delenv(variable)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(repository, timeout=30)


def test_the_first_variable_that_is_set_counts_in_the_same_order_as_in_the_script(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in reversed(VARIABLES):
        monkeypatch.setenv(name, f"/certificates/of/{name}")
        assert certificates() == f"/certificates/of/{name}"
    order = "${" + ":-${".join(VARIABLES) + ":-" + "}" * len(VARIABLES)
    assert f'certificates="{order}"' in (ROOT / "reprise").read_text("utf-8")


def test_without_a_variable_the_certificates_are_of_pip_s_configuration_or_of_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = ssl.get_default_verify_paths()
    monkeypatch.setattr("stack.certificates._of_pip", lambda: "/certificates/of/pip")
    assert certificates() == "/certificates/of/pip"
    monkeypatch.setattr("stack.certificates._of_pip", lambda: None)
    assert certificates() == (system.cafile or system.capath)
