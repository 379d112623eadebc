"""The smoke test on services that work, and on what is none. tests/broken has those that work in part."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from local.stack import Stack, free_ports
from tests.database import Database
from tests.keyed import READER, WRITER, Keyed
from tests.smoke.__main__ import main

FEW = ["--payments", "60"]


def test_a_service_that_works_passes_and_keeps_nothing(
    running: Stack, stored: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stored.clear()
    metrics = [f"http://127.0.0.1:{port}/metrics" for port in (running.ports.server_metrics, running.ports.gateway_metrics)]
    junit = tmp_path / "smoke.xml"
    code = main([running.rest_url, "--grpc", running.grpc_target, "--metrics", *metrics, "--junit", str(junit), *FEW])
    told = capsys.readouterr()
    assert code == 0, told.out + told.err
    assert told.out.count("writes of 60 payments, none lost") == 2
    assert "FAILED" not in told.out
    assert stored.count() == 0
    (suite,) = ElementTree.parse(junit).getroot()
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "4")  # TLS, keys of both APIs, and images
    assert int(suite.get("tests", "")) == len(suite) > 25


def test_a_service_with_keys_passes_with_a_key_that_may_write(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAYMENTS_API_KEY", keyed.keys[WRITER])
    code = main([f"http://{keyed.gateway.address}", *FEW])
    told = capsys.readouterr()
    assert code == 0, told.out + told.err
    assert "401 without an API key" in told.out and keyed.keys[WRITER] not in told.out + told.err


def test_a_key_that_may_only_read_is_named_as_what_is_wrong(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAYMENTS_API_KEY", keyed.keys[READER])
    assert main([f"http://{keyed.gateway.address}", *FEW]) == 1
    assert "POST /create answered 403 instead of 200" in capsys.readouterr().out


def test_another_version_than_was_to_be_deployed_fails(running: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([running.rest_url, "--version", "0.0.1", *FEW]) == 1
    assert "runs, not 0.0.1" in capsys.readouterr().out


def test_nobody_who_listens_fails_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"http://127.0.0.1:{free_ports(1)[0]}", *FEW]) == 1
    assert "GET /status got no answer (ConnectionError)" in capsys.readouterr().out
