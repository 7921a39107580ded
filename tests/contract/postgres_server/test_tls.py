"""A server with TLS on: it must be the one that was asked for, by the word of an authority that is known here."""

import os
import pwd
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg.conninfo import make_conninfo

from local.postgres import NEW, Cluster
from shared.adapters.postgres.server.authorities import authorities
from shared.adapters.postgres.server.session import Access
from shared.errors import PermanentError

_NAME = "db.example"
_CA = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority of one test")])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """An authority, and the certificate that it gave a server; of each, the file that the server's user can read."""
    authority, key, now = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()), _now()
    until = now + timedelta(days=1)
    root = x509.CertificateBuilder(_CA, _CA, authority.public_key(), x509.random_serial_number(), now, until)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
    given = x509.CertificateBuilder(_CA, name, key.public_key(), x509.random_serial_number(), now, until)
    given = given.add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        for file, certificate in (("root.pem", root), ("server.pem", given)):
            signed = certificate.sign(authority, hashes.SHA256())
            (Path(made) / file).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        _keep(key, Path(made) / "key.pem")
        yield Path(made)


def _now() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def _keep(key: ec.EllipticCurvePrivateKey, file: Path) -> None:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    file.chmod(0o600)
    if os.getuid() == 0:
        os.chown(file, pwd.getpwnam("nobody").pw_uid, -1)


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[Cluster]:
    files = {"ssl_cert_file": str(folder / "server.pem"), "ssl_key_file": str(folder / "key.pem")}
    with Cluster(NEW, {"fsync": "off", "ssl": "on", **files}) as running:
        yield running


@pytest.fixture(autouse=True)
def _of_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGSSLROOTCERT", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def _reached(cluster: Cluster, name: str = _NAME, **given: str) -> bool:
    conninfo = make_conninfo(cluster.dsn(), host=name, hostaddr="127.0.0.1", **given)
    with Access("target", conninfo).connected(statement=timedelta(seconds=5)) as connection:
        return connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PGSSLROOTCERT"])
def test_an_authority_of_the_machine_is_believed(
    cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(folder / "root.pem"))
    assert _reached(cluster)


def test_the_authority_of_the_connection_string_is_believed_before_all_others(cluster: Cluster, folder: Path) -> None:
    assert _reached(cluster, sslrootcert=str(folder / "root.pem"))


@pytest.mark.parametrize("mode", ["disable", "require", "verify-ca"])
def test_no_connection_string_asks_for_less(cluster: Cluster, folder: Path, mode: str) -> None:
    assert _reached(cluster, sslmode=mode, sslrootcert=str(folder / "root.pem"))
    with pytest.raises(PermanentError, match=r"target database: .*certificate"):
        _reached(cluster, sslmode=mode)


def test_a_certificate_of_another_name_is_refused(
    cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "root.pem"))
    with pytest.raises(PermanentError, match=r'server certificate for "db.example" does not match host name'):
        _reached(cluster, "other.example")


def test_a_certificate_that_nobody_vouches_for_is_refused(cluster: Cluster) -> None:
    with pytest.raises(PermanentError, match=r"target database: .*certificate verify failed"):
        _reached(cluster)


def test_those_of_the_public_are_known() -> None:
    """What the driver itself takes for the system's is nothing at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authorities())
    assert context.cert_store_stats()["x509_ca"] > 50


def test_authorities_are_found_wherever_a_machine_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ssl.get_default_verify_paths()

    def found(file: str | None, folder: str | None) -> str:
        paths = real._replace(cafile=file, capath=folder)  # type: ignore[arg-type]  # or None
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
        return authorities()

    assert found("/a/bundle.pem", None) == "/a/bundle.pem"
    assert found(None, None) == found(None, str(tmp_path)) == certifi.where()
    bundle = tmp_path / "ca-certificates.crt"
    bundle.touch()
    assert found(None, str(tmp_path)) == str(bundle)
    monkeypatch.setenv("SSL_CERT_DIR", "/a/folder")
    assert found(None, "/a/folder") == "system"
