"""What the file may say, whom a load may reach, and how it is judged."""

from pathlib import Path

import pytest

from loadtest.calls import chain
from loadtest.plan import allowed
from loadtest.plan.file import DEFAULT, BadFile, read
from loadtest.plan.thresholds import judge, thresholds
from loadtest.results import NOT_SENT, Figures, Kind, Results

SHAPE = '[shapes.x]\nscenario = "life"\nphases = [{rate = 1, seconds = 1}]\nthresholds = {p99 = 1}\n'
LIFE = '[scenarios]\nlife = ["create", "get"]\n'


def test_the_shapes_of_the_repository_can_be_read() -> None:
    plan = read(DEFAULT)
    assert {"smoke", "load", "stress", "spike", "soak"} <= set(plan.shapes)
    assert plan.shapes["smoke"].seconds == 60
    local = plan.targets["local"]
    allowed.check([local.rest, local.grpc, *local.metrics], plan.allow)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "Expected"),
        ("alow = []", "the file has no 'alow'"),
        ("[targets.x]\nmetrics = []", "targets.x has neither rest nor grpc"),
        ("[targets.x]\nrset = 'y'", "targets.x has no 'rset'"),
        (SHAPE, "there is no scenario 'life'"),
        (LIFE + SHAPE.replace("rate = 1", "rate = 0.5"), "rate is 0.5, not a whole number from 1"),
        (LIFE + SHAPE.replace("seconds = 1}", "seconds = 9, step = -1}"), "falls below one a second"),
        (LIFE + SHAPE.replace("p99", "p100"), "there are p50 to p99.9"),
        (LIFE + SHAPE.replace("p99 = 1", "errors = 2"), "errors and reached from 0 to 1"),
        (LIFE + SHAPE.replace("phases", "phase"), "has no 'phase'"),
        ('[scenarios]\nx = ["get"]', "'get' needs a payment that is created, and here it is none"),
        ('[scenarios]\nx = ["create", "gone"]', "'gone' needs a payment that is deleted"),
        ('[scenarios]\nx = ["pay"]', "'pay' is none of create"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "shapes.toml"
    path.write_text(text)
    with pytest.raises(BadFile, match=r"shapes\.toml") as error:
        read(path)
    assert said in str(error.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "127.0.0.1:50051", "https://[::1]:8443/x", "LOCALHOST:1"])
def test_hosts_of_the_list_may_be_loaded(address: str) -> None:
    allowed.check([address], ["127.0.0.1", "localhost", "::1"])


@pytest.mark.parametrize(
    "address", ["http://127.0.0.2", "https://localhost.example.com", "example.com:443", "https://127.0.0.1@example.com/"]
)
def test_no_other_host_may_be_loaded(address: str) -> None:
    with pytest.raises(allowed.NotAllowed, match="is not among the hosts"):
        allowed.check([address], ["127.0.0.1", "localhost"])


def test_a_chain_knows_the_revision_that_each_call_finds() -> None:
    calls = chain(["create", "update", "get", "update", "delete", "gone"])
    assert [(call.title, call.revision) for call in calls[1:5]] == [("update", 1), ("get", 2), ("update 2", 2), ("delete", 3)]


def figures(*outcomes: tuple[float, str, bool], offered: int = 0, wrong: str = "") -> Figures:
    """Of requests with a latency in seconds, an outcome, and whether it is the right one."""
    results = Results()
    results.open("REST")
    for latency, outcome, accepted in outcomes:
        results.add("REST", 0.0, latency, Kind("create", outcome, accepted))
    results.offer("REST", offered or len(outcomes))
    if wrong:
        results.contradict("REST", wrong)
    return results.figures()[0]


LIMITS = thresholds({"p50": 100, "p99": 1000, "errors": 0.01, "reached": 0.9})
GOOD = [(0.05, "200", True)] * 99


def broken(found: Figures) -> list[str]:
    return [judged.name for judged in judge(LIMITS, found) if not judged.kept]


def test_what_keeps_to_the_thresholds_is_kept() -> None:
    assert broken(figures(*GOOD, (0.9, "500", False))) == []


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (figures(*GOOD[:40], *[(0.2, "200", True)] * 60), ["p50"]),
        (figures(*GOOD[:98], *[(2.0, "200", True)] * 2), ["p99"]),
        (figures(*GOOD[:98], *[(0.1, "500", False)] * 2), ["errors"]),
        (figures(*GOOD[:89], offered=100), ["accepted"]),
        (figures(*GOOD, wrong="get: 1 is not found"), ["wrong answers"]),
        (figures(*[(1.0, NOT_SENT, False)] * 9), ["p50", "p99", "errors", "accepted"]),
        (figures(), ["p50", "p99", "errors", "accepted"]),
    ],
    ids=["slow", "slow tail", "errors", "too few", "wrong", "nothing accepted", "nothing at all"],
)
def test_what_does_not_is_broken(found: Figures, names: list[str]) -> None:
    assert broken(found) == names


def test_errors_are_told_by_what_they_were() -> None:
    judged = judge(LIMITS, figures(*GOOD, *[(0.1, "500", False)] * 3, (0.1, "timeout", False)))
    assert next(each for each in judged if each.name == "errors").found == "3.883%: 500 3, timeout 1"
