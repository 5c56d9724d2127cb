"""Certificates are checked whatever the server says, and the ways that people know to name authorities work."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import stamina
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hubcfg.applier.opening import open_target
from hubcfg.applier.target import TargetError, Writer
from hubcfg.validator.config import Target


class Handler(BaseHTTPRequestHandler):
    """Says that there are no orgs."""

    def do_GET(self) -> None:
        body = b'{"orgs":[]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that this machine signed for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def open_hub(url: str) -> Writer:
    options = {"url": url, "adapter": "hub", "token_env": "T"}
    return open_target(Target("main", "http", options), Path("/nowhere"), {"T": "s3cr3t"})


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_unknown_authority(port: int) -> None:
    """A server whose certificate nobody vouches for is not spoken to, and not asked a second time."""
    with closing(open_hub(f"https://127.0.0.1:{port}")) as target, pytest.raises(TargetError) as caught:
        target.list_orgs()
    assert "certificate" in caught.value.message.lower()
    assert "SSL_CERT_FILE" in (caught.value.help or "")


def test_authority_of_ones_own(port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SSL_CERT_FILE` names an authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with closing(open_hub(f"https://127.0.0.1:{port}")) as target:
        assert target.list_orgs() == {}


def test_certificate_of_another_name(port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate for another name is refused, though its authority is known."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        closing(open_hub(f"https://localhost:{port}")) as target,
        pytest.raises(TargetError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        target.list_orgs()


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is used where the connection is encrypted, and never for an address of this machine, which is not."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with closing(open_hub(f"http://127.0.0.1:{server.server_port}")) as target:
        assert target.list_orgs() == {}
    server.shutdown()
    server.server_close()
    with (
        stamina.set_testing(True, attempts=1),
        closing(open_hub("https://hub.example")) as target,
        pytest.raises(TargetError, match="cannot be reached"),
    ):
        target.list_orgs()
