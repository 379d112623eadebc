"""When a certificate ends: the one thing that metrics need of X.509, of which Python's ssl tells nothing about one's own certificate."""

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION = 0xA0  # the tag of a TBSCertificate's optional first element


def end(pem: bytes) -> float:
    """The notAfter of the first certificate, in seconds since 1970. The text is one that OpenSSL has read (RFC 5280, section 4.1)."""
    found = _PEM.search(pem.decode("latin-1"))
    assert found
    _, certificate = next(_elements(ssl.PEM_cert_to_DER_cert(found[0])))
    _, to_be_signed = next(_elements(certificate))
    fields = [content for tag, content in _elements(to_be_signed) if tag != _VERSION]
    _, (tag, not_after) = _elements(fields[3])  # after serialNumber, signature and issuer: validity
    text = not_after.decode()
    utc_time = tag == 0x17  # whose years have two digits, up to 2049
    if utc_time:
        text = ("19" if text >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of the elements that stand one after another."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size]), at + size
        yield tag, der[at : at + length]
        at += length
