"""payments-load on a service that works: what it tells, how it ends, and whom it refuses to load."""

import json
import re
import signal
import time
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.database import Database
from tests.keyed import WRITER, Keyed
from tests.load.conftest import Start


def test_a_load_over_both_apis_keeps_to_its_thresholds_and_is_reported(start: Start, ghz: None, tmp_path: Path) -> None:
    process = start("short")
    told, live = process.communicate(timeout=60)
    assert process.returncode == 0, told + live
    for api in ("REST", "gRPC"):
        assert f"kept   {api}  accepted         at least 95.0%           100.0% of 120" in told
    assert "REST to" in live and "gRPC to" in live
    folder = tmp_path / "build" / "load" / "short"
    report = json.loads((folder / "report.json").read_text())
    assert [(api["api"], api["offered"], api["total"]["accepted"]) for api in report["apis"]] == [("REST", 120, 120), ("gRPC", 120, 120)]
    assert {each["component"]: each["told"]["version"] for each in report["observed"]} == dict.fromkeys(
        ["server", "gateway"], version("payments")
    )
    assert ElementTree.parse(folder / "junit.xml").getroot()[0].get("failures") == "0"
    page = (folder / "report.html").read_text()
    assert page.count("<svg") == 6  # throughput and latency of each, percentiles, processes
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)|@import|url\((?!#)|<script""", page), "the page asks for something"


def test_a_threshold_that_is_broken_decides_the_exit_code(start: Start, tmp_path: Path) -> None:
    process = start("impossible", "--api", "rest")
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "BROKEN REST  p50              at most 0.01 ms" in told
    assert "kept   REST  accepted" in told
    assert ElementTree.parse(tmp_path / "build/load/impossible/junit.xml").getroot()[0].get("failures") == "1"


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_a_service_with_keys_is_loaded_with_one_that_is_not_shown(
    start: Start, keyed: Keyed, ghz: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    address = {"rest": f"http://{keyed.gateway.address}", "grpc": keyed.server.target}[api]
    monkeypatch.setenv("PAYMENTS_API_KEY", keyed.keys[WRITER])
    process = start("short", "--api", api, f"--{api}", address)
    told, live = process.communicate(timeout=60)
    assert process.returncode == 0, told + live
    kept = "".join(path.read_text() for path in (tmp_path / "build" / "load" / "short").iterdir())
    assert keyed.keys[WRITER] not in told + live + kept


def test_a_baseline_of_another_shape_is_refused(start: Start, tmp_path: Path) -> None:
    (tmp_path / "earlier.json").write_text('{"shape": {"name": "soak"}, "apis": []}')
    process = start("short", "--api", "rest", "--baseline", "earlier.json")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "earlier.json is of the shape soak, not short" in told


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_ctrl_c_ends_the_load_gives_what_has_come_and_removes_its_payments(start: Start, stored: Database, ghz: None, api: str) -> None:
    stored.clear()
    process = start("endless", "--api", api)
    assert process.stderr
    while stored.count() == 0 and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    told, live = process.communicate(timeout=60)
    assert process.returncode == 0, told + live
    assert "errors" in told and "of 0" not in told
    assert stored.count() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["short", "--rest", "https://sre-test.nuveo.ai"], "sre-test.nuveo.ai is not among the hosts that may be loaded: 127.0.0.1"),
        (["short", "--grpc", "10.1.2.3:50051"], "10.1.2.3 is not among the hosts"),
        (["short", "--ghz", "/nowhere/ghz"], "/nowhere/ghz is not a program"),
        (["shrot"], "there is no shape 'shrot'; there are endless, impossible, short"),
        (["short", "--target", "production"], "there is no target 'production'; there are local"),
    ],
)
def test_what_cannot_be_offered_is_told_and_nothing_is_sent(start: Start, ghz: None, arguments: list[str], said: str) -> None:
    process = start(*arguments)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said in told
    assert "answers" not in told
