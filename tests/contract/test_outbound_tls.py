"""`Outbound` over TLS: the certificate must be the name's, whatever address the connection goes to."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.loopback import LoopbackServer, Reply, Request
from shared.adapters import bounded_http
from shared.adapters.outbound import Outbound
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from tests.contract.outbound_world import reaching

NAME = "shop.example"


class TlsSite(LoopbackServer):
    """Answers with the certificate in `folder`, which is one of `NAME`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        super().__enter__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "certificate.pem", self._folder / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        return self

    def reply(self, request: Request) -> Reply:
        self.asked.append(request.path)
        return Reply(status=302, headers={"Location": f"http://{NAME}/"})

    def url_as(self, name: str) -> str:
        return self.url.replace("http://127.0.0.1", f"https://{name}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key."""
    made = tmp_path_factory.mktemp("tls")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (made / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (made / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return made


@pytest.fixture
def site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsSite]:
    real = socket.getaddrinfo
    # Whatever the name, it leads here.
    monkeypatch.setattr(
        "shared.adapters.bounded_http.getaddrinfo", lambda _, port, **more: real("127.0.0.1", port, **more)
    )
    with TlsSite(folder) as running:
        yield running


@pytest.fixture
def trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "certificate.pem"))
    bounded_http._tls.cache_clear()  # it was read from elsewhere before
    yield
    bounded_http._tls.cache_clear()


def ask(url: str, redirects: int = 0) -> int:
    by = reaching(NAME, "other.example", private=True)
    return Outbound().send(by, "GET", url, within=timedelta(seconds=5), redirects=redirects).status


@pytest.mark.usefixtures("trusted")
def test_the_certificate_is_held_against_the_name(site: TlsSite) -> None:
    assert ask(site.url_as(NAME)) == 302


@pytest.mark.usefixtures("trusted")
def test_somebody_elses_certificate_is_told_nothing(site: TlsSite) -> None:
    with pytest.raises(TransientError, match=r"other.example could not be reached") as caught:
        ask(site.url_as("other.example"))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert site.asked == []


def test_a_certificate_that_nobody_vouches_for_is_told_nothing(site: TlsSite) -> None:
    with pytest.raises(TransientError, match=f"{NAME} could not be reached"):
        ask(site.url_as(NAME))
    assert site.asked == []


@pytest.mark.usefixtures("trusted")
def test_https_never_goes_down_to_http(site: TlsSite) -> None:
    with pytest.raises(PermanentError, match=f"{NAME} redirects from https down to http"):
        ask(site.url_as(NAME), redirects=1)
