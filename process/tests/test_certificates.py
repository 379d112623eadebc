"""Certificate files: what is refused when they are read, and how a replacement is noticed."""

import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from process.certificates import CertificateFiles, CertificateWatch, UnusableCertificates
from process.tests.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def refused(files: CertificateFiles) -> str:
    with pytest.raises(UnusableCertificates) as raised:
        files.read()
    return str(raised.value)


def test_a_certificate_its_key_and_a_ca_are_read_as_they_stand(authority: Authority) -> None:
    certificate, key = authority.issue("server")
    read = CertificateFiles(certificate, key, authority.ca).read()
    assert (read.certificate, read.key, read.ca) == (certificate.read_bytes(), key.read_bytes(), authority.ca.read_bytes())
    assert CertificateFiles(None, None, authority.ca).read().certificate is None


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    certificate, _ = authority.issue("server")
    _, other = authority.issue("other")
    text = refused(CertificateFiles(certificate, other, None))
    assert str(certificate) in text and str(other) in text and "MISMATCH" in text


def test_what_cannot_be_read_or_is_no_pem_is_refused_by_its_name(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    assert refused(CertificateFiles(certificate, tmp_path / "missing", None)) == f"{tmp_path}/missing: No such file or directory"
    (tmp_path / "text").write_text("no certificate\n")
    assert str(tmp_path / "text") in refused(CertificateFiles(tmp_path / "text", key, None))
    assert str(tmp_path / "text") in refused(CertificateFiles(certificate, key, tmp_path / "text"))


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(authority: Authority) -> None:
    certificate, key = authority.issue("server")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    assert str(key) in refused(CertificateFiles(certificate, key, None))


def test_a_replacement_through_a_symbolic_link_is_noticed_once(tmp_path: Path) -> None:
    # As the kubelet does it: tls.crt -> ..data/tls.crt, ..data -> a folder with a time in its name, replaced by a rename.
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        certificate, key = Authority(tmp_path / version).issue("server")
        certificate.rename(tmp_path / version / "tls.crt")
        key.rename(tmp_path / version / "tls.key")
    (tmp_path / "..data").symlink_to("1")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    watch = CertificateWatch(CertificateFiles(tmp_path / "tls.crt", tmp_path / "tls.key", None))
    assert watch.renewed() is None
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").replace(tmp_path / "..data")
    renewed = watch.renewed()
    assert renewed is not None and renewed.certificate == (tmp_path / "2" / "tls.crt").read_bytes()
    assert watch.current == renewed and watch.renewed() is None


def test_a_broken_replacement_keeps_what_was_and_is_logged_once(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = authority.issue("server")
    watch = CertificateWatch(CertificateFiles(certificate, key, None))
    before, good = watch.current, key.read_bytes()
    key.write_text("broken")
    with caplog.at_level(logging.ERROR):
        assert [watch.renewed() for _ in range(3)] == [None, None, None]
    assert len(caplog.records) == 1 and str(key) in caplog.text
    assert watch.current == before
    key.write_bytes(good)
    assert watch.renewed() is None
    authority.issue("server")
    assert watch.renewed() is not None


def test_the_same_fault_is_logged_again_when_it_comes_back(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = authority.issue("server")
    watch = CertificateWatch(CertificateFiles(certificate, key, None))
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            key.write_text("broken")
            watch.renewed()
            authority.issue("server")
            assert watch.renewed() is not None
    assert len(caplog.records) == 2
