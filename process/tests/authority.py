"""A certificate authority of a test's own, and what it issues, as PEM files."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = ("127.0.0.1", "localhost")
_DAY = datetime.timedelta(days=1)


class Authority:
    """Keeps its files in `folder`: `NAME.ca.pem`, and of each certificate `NAME.pem` and `NAME.key.pem`."""

    def __init__(self, folder: Path, name: str = "root") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(self._name, self._key, _now() + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca = self._write(f"{name}.ca.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, hosts: tuple[str, ...] = LOOPBACK, *, expired: bool = False) -> tuple[Path, Path]:
        """A certificate for server and client use and its key. Issued again under a name, it replaces both by renames."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, _now() + (-_DAY if expired else _DAY))
            .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption_algorithm=serialization.NoEncryption()
        )
        return self._write(f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM)), self._write(f"{name}.key.pem", private)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime.datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - 2 * _DAY)
            .not_valid_after(end)
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(path)
        return path


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
