"""The certificate that a client meets."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from process.tests.authority import Authority
from tests.smoke.check import Clock, Failed, NotAsked
from tests.smoke.door import Door


@contextlib.contextmanager
def handshakes(certificate: tuple[Path, Path]) -> Iterator[int]:
    """The port of who shows the certificate, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake() -> None:
            connection, _ = listening.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

        thread = threading.Thread(target=shake)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


def certificate(authority: Authority, days: int, ca: Path | None = None, expired: bool = False) -> str:
    """What is found of one that lasts a day."""
    with handshakes(authority.issue("door", expired=expired)) as port:
        return Door(f"https://localhost:{port}", str(ca or authority.ca), days, Clock(10)).certificate()


def test_a_certificate_that_lasts_is_told_with_its_end(tmp_path: Path) -> None:
    assert "TLSv1.3, the certificate ends in 0 days" in certificate(Authority(tmp_path), days=0)


def test_one_that_ends_soon_fails(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"ends in 0 days, on .*; 14 are needed"):
        certificate(Authority(tmp_path), days=14)


def test_one_that_has_ended_or_is_of_a_stranger_fails(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(Failed, match="certificate has expired"):
        certificate(authority, days=0, expired=True)
    with pytest.raises(Failed, match="CERTIFICATE_VERIFY_FAILED"):
        certificate(authority, days=0, ca=Authority(tmp_path, "stranger").ca)


def test_only_this_machine_itself_may_do_without() -> None:
    with pytest.raises(NotAsked):
        Door("http://127.0.0.1:1", "", 14, Clock(10)).certificate()
    with pytest.raises(Failed, match="has no TLS"):
        Door("http://192.0.2.1", "", 14, Clock(10)).certificate()  # an address of documentation (RFC 5737), which is not called


def test_a_name_that_is_not_known_fails() -> None:
    with pytest.raises(Failed, match="does not resolve"):
        Door("https://payments.invalid", "", 14, Clock(10)).resolves()
