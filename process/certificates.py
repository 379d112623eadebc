"""Certificates and private keys in PEM files: checked when they are read, and read again when they may have been replaced."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("process")


class UnusableCertificates(Exception):
    """A file cannot be read, is not PEM, or a key is not its certificate's; str() names the file."""


@dataclass(frozen=True)
class Certificates:
    """PEM texts; each is None where its file is not given."""

    certificate: bytes | None  # with the intermediate certificates after it
    key: bytes | None
    ca: bytes | None  # the roots that the other end's certificate is verified by


@dataclass(frozen=True)
class CertificateFiles:
    """The files of Certificates. A certificate and its key are given together."""

    certificate: Path | None
    key: Path | None
    ca: Path | None

    def read(self) -> Certificates:
        """The contents, of which gRPC itself would say nothing but that a connection has failed. Raises UnusableCertificates."""
        contents = self.contents()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key, password="")  # without one OpenSSL would ask at the terminal
            except (OSError, ValueError) as error:
                raise UnusableCertificates(f"{self.certificate}, {self.key}: not a certificate and its key: {_reason(error)}") from None
        if self.ca:
            try:
                context.load_verify_locations(self.ca)
            except (OSError, ValueError) as error:
                raise UnusableCertificates(f"{self.ca}: not a list of certificates: {_reason(error)}") from None
        if self.contents() != contents:  # what was checked may be neither the old nor the new
            raise UnusableCertificates(f"{self.certificate or self.ca}: being replaced")
        return contents

    def contents(self) -> Certificates:
        """The contents unchecked. Raises UnusableCertificates where a file cannot be read."""
        try:
            return Certificates(*(path.read_bytes() if path else None for path in (self.certificate, self.key, self.ca)))
        except OSError as error:
            raise UnusableCertificates(f"{error.filename}: {error.strerror}") from None


class CertificateWatch:
    """Files that may be replaced at any time, by a rename or through a symbolic link as Kubernetes replaces a secret's.

    Contents are compared, not times: a few KB are read sooner than it is understood what each way of replacing does to a time.
    """

    def __init__(self, files: CertificateFiles) -> None:
        """Raises UnusableCertificates."""
        self._files = files
        self._complaint = ""
        self.current = files.read()

    def renewed(self) -> Certificates | None:
        """The contents where they have changed since the last call; unusable ones are logged once, and `current` stays."""
        try:
            if self._files.contents() == self.current:
                return None
            self.current = self._files.read()
        except UnusableCertificates as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                log.error("keeping the certificates in use, as the new ones cannot be: %s", error)
            return None
        self._complaint = ""
        log.info("new certificates: %s", self._files.certificate or self._files.ca)
        return self.current


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
