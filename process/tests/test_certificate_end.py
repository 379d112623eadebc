"""The end of a certificate is the one that it has."""

from pathlib import Path

import pytest
from cryptography import x509

from process.certificate_end import end
from process.tests.authority import Authority


@pytest.mark.parametrize("expired", [False, True])
def test_the_end_is_that_of_the_first_certificate(tmp_path: Path, expired: bool) -> None:
    authority = Authority(tmp_path)
    pem = authority.issue("server", expired=expired)[0].read_bytes()
    assert end(b"a comment\n" + pem + authority.ca.read_bytes()) == x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
