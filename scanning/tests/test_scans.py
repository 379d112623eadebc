"""Scanners, their output, and what they are not given."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scanning.finding import Severity
from scanning.program import ROOT, ScannerFailed, run, scanner
from scanning.scans import cluster, dependencies, secrets

KUBE_BENCH = Path(__file__).with_name("kube_bench.json")
INSTALL = Path(__file__).parents[1] / "install"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_secret_that_was_committed_and_removed_again_is_found_and_not_shown(tmp_path: Path) -> None:
    try:
        scanner("gitleaks")
    except ScannerFailed as missing:
        pytest.skip(str(missing))
    # Made here, so that this file has none itself.
    key = "AKIA" + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte % 32] for byte in os.urandom(16))
    git(tmp_path, "init", "--initial-branch=main")
    (tmp_path / "settings.py").write_text(f'aws_key = "{key}"\n')
    git(tmp_path, "add", "."), git(tmp_path, "commit", "--message=one")
    (tmp_path / "settings.py").write_text("aws_key = None\n")
    git(tmp_path, "commit", "--all", "--message=two")
    found = secrets.scan(tmp_path)
    assert [(each.id, each.where, each.severity) for each in found.findings] == [("aws-access-token", "settings.py", Severity.CRITICAL)]
    assert found.looked_at == "2 commits"
    assert key not in repr(found) + (ROOT / "build" / "scan" / "gitleaks.json").read_text()


def test_packages_that_pip_audit_skips_were_not_looked_at() -> None:
    skipped = {"name": "grpcio", "skip_reason": "could not be audited"}
    known = {"name": "zlib", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"]}]}
    result = dependencies.read({"requirements/server.txt": json.dumps({"dependencies": [skipped, known]})})
    assert result.not_looked_at == ["1 packages, which pip-audit skipped: grpcio"]
    assert [(each.id, each.severity, each.part) for each in result.findings] == [("PYSEC-1", Severity.HIGH, "zlib 1.0")]


def test_a_report_of_kube_bench_is_read() -> None:
    """The file has the form, and all but one of the checks, of cmd/testdata/result.json in its repository."""
    result = cluster.benchmark_result(KUBE_BENCH.read_text())
    assert result.looked_at == "4 checks"
    assert [(each.id, each.where, each.severity) for each in result.findings] == [
        ("CIS-1.5-1.1.12", "node/master", Severity.HIGH),
        ("CIS-1.5-3.1.1", "node/controlplane", Severity.MEDIUM),
    ]


def test_a_scanner_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("PAYMENTS_API_KEY", "a-secret")
    assert "a-secret" not in run("env").stdout


def test_a_scanner_that_is_missing_or_fails_is_no_scan_without_findings() -> None:
    with pytest.raises(ScannerFailed, match="not installed"):
        run("a-scanner-that-nobody-has")
    with pytest.raises(ScannerFailed, match="ended with 1"):
        run("false")


def test_a_release_that_is_not_what_was_pinned_is_not_installed(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "env", "mkdir", "uname", "mktemp", "sha256sum", "rm", "tar", "chmod", "mv"):
        (programs / name).symlink_to(str(shutil.which(name)))
    # Stands for an address that gives something else than it did.
    (programs / "curl").write_text('#!/bin/bash\nwhile [ "$1" != --output ]; do shift; done\necho tampered >"$2"\n')
    (programs / "curl").chmod(0o755)
    done = subprocess.run(
        [INSTALL, "trivy"],
        env={"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "is not what it was when it was pinned" in done.stderr
    assert not list((tmp_path / "payments-scanners").iterdir())
