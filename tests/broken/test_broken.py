"""Smoke, load and ledger each name what is wrong with a server, and pass one that works ten times of ten."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from process.tests.authority import Authority
from tests.broken.conftest import Breaking, Broken
from tests.broken.faults import Faults

Tool = Callable[[Broken], "CompletedProcess[str]"]


def smoke(broken: Broken) -> "CompletedProcess[str]":
    return broken.smoke()


def load(broken: Broken) -> "CompletedProcess[str]":
    return broken.load("long")


def ledger(broken: Broken) -> "CompletedProcess[str]":
    return broken.ledger()


@pytest.mark.parametrize(
    ("faults", "tool", "named"),
    [
        (Faults(losing=1000), smoke, ["acknowledged writes are not so", "was created, and"]),
        (Faults(losing=1000), load, ["BROKEN REST  wrong answers", "was acknowledged, and is not found"]),
        (Faults(losing=1000), ledger, ["BROKEN lost"]),
        (Faults(failing=100), smoke, ["FAILED  REST    no request fails", "HTTP 500", "FAILED  gRPC    no request fails", "INTERNAL"]),
        (Faults(failing=100), load, ["BROKEN REST  errors", "500 ", "BROKEN gRPC  errors", "INTERNAL "]),
        (Faults(failing=100), ledger, ["BROKEN wrong answers", "500"]),
        (Faults(slow=100), smoke, ["FAILED  REST    latency", "FAILED  gRPC    latency", "longer than 1,000 ms"]),
        (Faults(slow=100), load, ["BROKEN REST  p99.5", "BROKEN gRPC  p99.5"]),
        (Faults(slow=100), ledger, ["BROKEN slow", "longer than 1,000 ms"]),
        (Faults(silent_after=200), smoke, ["no answer"]),
        (Faults(silent_after=200), load, ["BROKEN REST  errors", "timeout", "BROKEN gRPC  errors", "DEADLINE_EXCEEDED"]),
        (Faults(silent_after=200), ledger, ["BROKEN stopped answering: REST", "BROKEN stopped answering: gRPC"]),
    ],
    ids=lambda value: getattr(value, "__name__", None) or (value.name if isinstance(value, Faults) else "named"),
)
def test_a_broken_server_is_found(breaking: Breaking, faults: Faults, tool: Tool, named: list[str]) -> None:
    told = tool(breaking(faults))
    assert told.returncode == 1, told.stdout + told.stderr
    for text in named:
        assert text in told.stdout + told.stderr


def test_certificates_are_checked(breaking: Breaking, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    secured = breaking(Faults(), authority.issue("proxy"), str(authority.ca))
    stranger = breaking(Faults(), authority.issue("proxy"), str(Authority(tmp_path, "stranger").ca))
    for trusted, distrusted in (
        (secured.smoke("--payments", "50"), stranger.smoke("--payments", "50")),
        (secured.load("short"), stranger.load("short")),
        (secured.ledger("--writes", "50"), stranger.ledger("--writes", "50", "--seconds", "1")),
    ):
        assert trusted.returncode == 0, trusted.stdout + trusted.stderr
        assert distrusted.returncode == 1, distrusted.stdout + distrusted.stderr


def test_at_twice_what_a_server_can_do_the_waiting_is_in_the_latency(breaking: Breaking) -> None:
    """Each request takes two seconds, of which eight are answered at once: four a second, where eight are offered."""
    slow = breaking(Faults(slow=1))
    told = slow.load("waiting")
    assert told.returncode == 0, told.stdout + told.stderr
    for api in json.loads((slow.folder / "report" / "report.json").read_text())["apis"]:
        total = api["total"]
        assert api["offered"] == 40
        assert total["accepted"] < 36 and total["errors"] == {"not sent": 40 - total["accepted"]}
        assert 2000 <= total["percentiles"]["50"] < total["percentiles"]["99"]
        assert total["percentiles"]["99"] > 4000, "only what a request took, not how long it waited"


@pytest.mark.parametrize("time", range(10))
def test_a_healthy_server_passes(breaking: Breaking, time: int) -> None:
    healthy = breaking(Faults())
    for told in (healthy.smoke("--payments", "500"), healthy.load("short"), healthy.ledger("--writes", "500")):
        assert told.returncode == 0, told.stdout + told.stderr
