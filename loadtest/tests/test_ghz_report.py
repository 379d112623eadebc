"""What is made of what ghz tells."""

import json
from collections import Counter

import pytest

from loadtest.calls import NOT_FOUND, OK, chain
from loadtest.engines.contradictions import contradictions
from loadtest.engines.ghz_report import Detail, Report, from_due, read
from loadtest.plan.schedule import Phase

LIFE = chain(["create", "get", "update", "delete", "gone"])
CREATE, GET, UPDATE, DELETE, GONE = LIFE


def test_a_report_is_read_with_the_codes_of_grpc() -> None:
    details = [
        {"timestamp": "2026-11-24T10:00:02.123456789+01:00", "latency": 123_000_000, "error": "", "status": "OK"},
        {"timestamp": "2026-11-24T09:00:03Z", "latency": 1_000_000_000, "error": "x", "status": "DeadlineExceeded"},
        {"timestamp": "2026-11-24T09:00:03Z", "latency": 1, "error": "x", "status": "Canceled"},
        {"timestamp": "2026-11-24T09:00:03Z", "latency": 1, "error": "x", "status": ""},
    ]
    report = read(json.dumps({"count": 4, "rps": 2.0, "endReason": "normal", "details": details}))
    assert [detail.status for detail in report.details] == ["OK", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN"]
    assert report.details[0].begun == pytest.approx(1795510802.000456)
    assert report.details[1].begun == pytest.approx(1795510802)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"count": 1, "rps": 1, "details": [{}]}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


def test_a_call_that_waited_for_a_place_is_counted_from_when_it_was_due() -> None:
    """One place, four calls a second of which each takes half a second: every call is a quarter of a second later than the one before."""
    began = 1000.0
    details = [Detail(began + 0.25 + 0.5 * number, 0.5, "OK") for number in range(4)]
    found = list(from_due(Report(4, 4.0, "normal", details[::-1]), Phase(4, 1), began))
    assert [each.due for each in found] == [1000.25, 1000.5, 1000.75, 1001]
    assert [each.latency for each in found] == pytest.approx([0.5, 0.75, 1.0, 1.25])


def test_the_schedule_begins_when_no_call_is_sent_before_it_is_due() -> None:
    """ghz starts a tenth of a second after it was called."""
    details = [Detail(1000.1 + 0.5, 0.01, "OK"), Detail(1000.1 + 1.0 + 0.03, 0.01, "OK")]
    found = list(from_due(Report(2, 2.0, "normal", details), Phase(2, 1), 1000.0))
    assert [each.due for each in found] == pytest.approx([1000.6, 1001.1])
    assert [each.latency for each in found] == pytest.approx([0.01, 0.04])


def told(**outcomes: dict[str, int]) -> list[str]:
    counted = {call: Counter(outcomes[call.name]) for call in LIFE if call.name in outcomes}
    return contradictions(LIFE, 100, counted)


WELL = {"create": {OK: 100}, "get": {OK: 100}, "update": {OK: 100}, "delete": {OK: 100}, "gone": {NOT_FOUND: 100}}


def test_lives_without_a_fault_contradict_nothing() -> None:
    assert told(**WELL) == []


def test_what_was_not_acknowledged_may_be_absent_and_may_be_there() -> None:
    unsure = {"create": {OK: 98, "UNAVAILABLE": 2}, "get": {OK: 99, NOT_FOUND: 1}, "update": {OK: 96, "UNKNOWN": 3, NOT_FOUND: 1}}
    assert told(**unsure, delete={OK: 97, NOT_FOUND: 1, "ABORTED": 2}, gone={NOT_FOUND: 99, OK: 1}) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"get": {OK: 99, NOT_FOUND: 1}}, "get: creates were acknowledged, and the payments are not found (at least 1)"),
        ({"delete": {OK: 98, "ABORTED": 2}}, "delete: the payments have another etag than was acknowledged (at least 2)"),
        ({"gone": {NOT_FOUND: 97, OK: 3}}, "gone: deletes were acknowledged, and the payments are there (at least 3)"),
        ({"create": {OK: 99, "UNAVAILABLE": 1}, "get": {OK: 98, NOT_FOUND: 2}}, "get: creates were acknowledged, and the payments are not found (at least 1)"),
    ],
    ids=["a lost create", "a lost update", "a lost delete", "more absent than unsure"],
)  # fmt: skip
def test_what_was_acknowledged_and_is_not_so_is_told(changed: dict[str, dict[str, int]], said: str) -> None:
    assert told(**{**WELL, **changed}) == [said]
