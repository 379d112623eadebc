"""What is told of figures that are known."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from loadtest.report import baseline, junit
from loadtest.report.observed import Observed, parse, quantile
from loadtest.report.summary import Summary, summary
from loadtest.results import NOT_SENT, Kind, Results

OK, FAILED, UNSENT = Kind("create", "200", True), Kind("create", "500", False), Kind("create", NOT_SENT, False)


def summed(*requests: tuple[float, float, Kind], following: int = 1) -> Summary:
    results = Results()
    results.open("REST", following)
    for due, latency, kind in requests:
        results.add("REST", due, latency, kind)
    results.offer("REST", len(requests) * following)
    return summary(results.figures()[0])


def test_percentiles_are_of_accepted_requests_alone() -> None:
    found = summed(*[(number / 100, number / 1000, OK) for number in range(1, 101)], (0.5, 9.0, FAILED))
    assert (found.total.made, found.total.accepted, found.total.errors) == (101, 100, {"500": 1})
    assert found.total.percentiles["50"] == pytest.approx(50)
    assert found.total.percentiles["99"] == pytest.approx(99)
    assert found.total.slowest == pytest.approx(100)


def test_a_rate_counts_until_the_last_answer() -> None:
    """What waits is answered later: ten requests in two seconds, the last of which is answered after five, are two a second."""
    assert summed(*[(number / 5, 5 - number / 5, OK) for number in range(10)]).total.rate == pytest.approx(2)


def test_over_time_requests_are_offered_when_they_are_due_and_accepted_when_they_end() -> None:
    timeline = summed((0.2, 0.1, OK), (0.4, 1.0, OK), (1.5, 1.2, FAILED), (2.5, 0.4, UNSENT)).timeline
    assert timeline.width == 1
    assert timeline.offered == [2, 1, 1]
    assert timeline.accepted == [1, 1, 0]
    assert timeline.failed == {"500": [0, 0, 1], NOT_SENT: [0, 0, 1]}
    assert timeline.latencies["50"] == [pytest.approx(100), None, None]


def test_what_follows_a_call_is_offered_with_it() -> None:
    assert summed((0.2, 0.1, OK), (0.4, 0.1, UNSENT), (0.3, 0.1, Kind("get", "200", True)), following=2).timeline.offered == [4]


def test_a_long_run_is_drawn_in_few_points() -> None:
    timeline = summed((0.0, 0.1, OK), (7200.0, 0.1, OK)).timeline
    assert len(timeline.moments) < 250
    assert sum(timeline.accepted) * timeline.width == pytest.approx(2)


def earlier(tmp_path: Path, found: Summary) -> Path:
    path = tmp_path / "report.json"
    total = {"percentiles": found.total.percentiles, "rate": found.total.rate, "errors": found.total.errors, "made": found.total.made}
    path.write_text(json.dumps({"shape": {"name": "load"}, "apis": [{"api": found.api, "total": total}]}))
    return path


def worse(tmp_path: Path, before: Summary, now: Summary) -> list[str]:
    report = baseline.read(earlier(tmp_path, before), "load")
    return [each.name for each in baseline.compare(now, report, 0.2) if not each.kept]


BEFORE = summed(*[(number / 100, 0.05, OK) for number in range(1000)])


def test_a_run_as_good_as_before_is_kept(tmp_path: Path) -> None:
    assert worse(tmp_path, BEFORE, summed(*[(number / 100, 0.059, OK) for number in range(1000)])) == []


def test_a_run_that_is_worse_names_what(tmp_path: Path) -> None:
    slower = [(number / 100, 0.05 if number % 50 else 0.07, OK) for number in range(1000)]
    assert worse(tmp_path, BEFORE, summed(*slower)) == ["p99 as before"]
    fewer = [(number / 100, 0.05, FAILED if number % 4 == 0 else OK) for number in range(1000)]
    assert worse(tmp_path, BEFORE, summed(*fewer)) == ["rate as before", "errors as before"]


def test_milliseconds_that_are_noise_are_none(tmp_path: Path) -> None:
    fast = summed(*[(number / 100, 0.002, OK) for number in range(1000)])
    assert worse(tmp_path, fast, summed(*[(number / 100, 0.004, OK) for number in range(1000)])) == []


def test_only_runs_of_one_shape_are_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of the shape load, not soak"):
        baseline.read(earlier(tmp_path, BEFORE), "soak")
    with pytest.raises(ValueError, match="is not the report of a run"):
        baseline.read(tmp_path / "nothing.json", "load")


def test_junit_has_failures_and_what_was_not_tried() -> None:
    cases = [
        junit.Case("REST", "a", 1.5),
        junit.Case("REST", "b & c", 0, failure="was <\0>"),
        junit.Case("gRPC", "d", 0, skipped="no address"),
    ]
    (suite,) = ElementTree.fromstring(junit.document("smoke", cases))
    assert [suite.get(name) for name in ("tests", "failures", "skipped", "time")] == ["3", "1", "1", "1.500"]
    failure = suite[1].find("failure")
    assert suite[1].get("name") == "b & c" and failure is not None and failure.text == "was <\N{REPLACEMENT CHARACTER}>"


METRICS = """# TYPE payments_build_info gauge
payments_build_info{component="server",version="1.0.0"} 1.0
# TYPE process_cpu_seconds counter
process_cpu_seconds_total %(cpu)s
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 104857600
# TYPE grpc_server_handled counter
grpc_server_handled_total{grpc_code="OK",grpc_service="payments.v1.PaymentService"} %(ok)s
grpc_server_handled_total{grpc_code="OK",grpc_service="grpc.health.v1.Health"} 999
# TYPE grpc_server_handling_seconds histogram
grpc_server_handling_seconds_bucket{grpc_service="payments.v1.PaymentService",le="0.1"} %(fast)s
grpc_server_handling_seconds_bucket{grpc_service="payments.v1.PaymentService",le="1.0"} %(ok)s
grpc_server_handling_seconds_bucket{grpc_service="payments.v1.PaymentService",le="+Inf"} %(ok)s
"""


def test_what_a_process_tells_is_what_it_did_meanwhile() -> None:
    looks = [parse(METRICS % {"cpu": 5, "ok": 100, "fast": 100}, 0.0), parse(METRICS % {"cpu": 6, "ok": 300, "fast": 200}, 2.0)]
    told = Observed("x", looks).told()
    assert (told["requests"], told["codes"], told["cpu"], told["version"]) == (200, "OK 200", 0.5, "1.0.0")
    assert told["p50"] == pytest.approx(100) and told["p99"] == pytest.approx(982)
    assert Observed("x", looks).rates("answered") == ([1.0], [100.0])


def test_a_process_that_is_not_reached_tells_nothing() -> None:
    assert Observed("x", failures=3).told() == {}
    assert quantile({}, 0.5) is None
    with pytest.raises(ValueError):
        parse("<html>", 0)
