"""The files of the experiments, and their runner: on a service of this machine, whose server is killed."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.resilience.cluster.__main__ import EXPERIMENTS, main
from tests.resilience.cluster.experiment import BadFile, Experiment, Unsteady, read, run
from tests.resilience.cluster.faults import KINDS, rotate_certificate
from tests.resilience.ledger import KEYS, ROWS
from tests.resilience.stage import PLAIN, Stage, staged, until

KILLED = Experiment("killed", "nothing is lost", {"kind": "kill"}, seconds=0.5, after=1, availability=0, gap=30, guard=60)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(PLAIN) as started:
        yield started


def rows(stage: Stage) -> Any:
    return lambda run: (stage.postgres.rows(ROWS), stage.postgres.rows(KEYS))


def killing(stage: Stage) -> Any:
    """Kills the server, and starts it again in the end."""

    @contextlib.contextmanager
    def fault(described: Mapping[str, Any]) -> Iterator[None]:
        stage.server.kill()
        try:
            yield
        finally:
            repair(stage)

    return fault


def repair(stage: Stage) -> None:
    """The server is back, and the gateway knows."""
    stage.server.restart()
    until(lambda: stage.get("/status")[0] == 200, "the gateway has found the server")


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_an_experiment_names_a_fault_with_all_that_it_needs(path: Path) -> None:
    found = read(path)
    kind = KINDS[found.fault["kind"]]
    arguments = {name: value for name, value in found.fault.items() if name != "kind"} | ({"ca": ""} if kind is rotate_certificate else {})
    inspect.signature(kind).bind(**arguments)
    assert found.hypothesis and found.seconds > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("availability = 2", "availability is a share"),
        ("guard = 1", "the guard is not below the gap"),
        ("guards = 1", "guards"),
        ('fault = { selector = "x" }', "a fault has a kind"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(tmp_path: Path, change: str, said: str) -> None:
    name = change.split(" ")[0]
    text = (EXPERIMENTS / "kill-server.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(f"{name} ")]
    (tmp_path / "x.toml").write_text("\n".join([*lines, change]))
    with pytest.raises(BadFile, match=r"x\.toml") as error:
        read(tmp_path / "x.toml")
    assert said in str(error.value)


def test_a_fault_is_measured_and_what_was_acknowledged_is_there(stage: Stage) -> None:
    stage.begin()
    outcome = run(KILLED, killing(stage), stage.apis(), rows(stage), before=1)
    assert outcome.broken == []
    assert outcome.failed > 0 and 0 < outcome.availability < 1
    assert outcome.gap > 0.5 and 0 < outcome.spent < 0.01


def test_a_hypothesis_that_is_wrong_is_told_with_what(stage: Stage) -> None:
    stage.begin()
    proud = Experiment("proud", "nobody notices", {"kind": "kill"}, seconds=0.5, after=1, availability=1, gap=0.1, guard=60)
    outcome = run(proud, killing(stage), stage.apis(), rows(stage), before=1)
    assert [text.split(" ")[0] for text in outcome.broken] == ["availability", "no"]


def test_a_lost_write_breaks_every_hypothesis(stage: Stage) -> None:
    stage.begin()
    outcome = run(KILLED, killing(stage), stage.apis(), lambda run: (stage.postgres.rows(ROWS)[1:], stage.postgres.rows(KEYS)), before=1)
    assert len(outcome.verdict.lost) == 1 and outcome.broken == outcome.verdict.lost


def test_the_guard_ends_the_fault_and_it_is_repaired(stage: Stage) -> None:
    stage.begin()
    endless = Experiment("endless", "it is soon over", {"kind": "kill"}, seconds=600, after=1, availability=0, gap=1, guard=1)
    outcome = run(endless, killing(stage), stage.apis(), rows(stage), before=1)
    assert outcome.aborted and "the guard ended it: no answer for 1 s" in outcome.broken
    assert stage.get("/status")[0] == 200


def test_nothing_is_tried_on_a_service_that_fails_already(stage: Stage) -> None:
    stage.begin()
    stage.server.kill()
    try:
        with pytest.raises(Unsteady, match="requests failed before there was a fault"):
            run(KILLED, killing(stage), stage.apis(), rows(stage), before=1)
    finally:
        repair(stage)


def test_a_context_that_was_not_named_is_left_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("{apiVersion: v1, kind: Config, current-context: production, contexts: [], clusters: [], users: []}")
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert main(["--context", "kind-payments"]) == 2
    assert "the current context is production, and kind-payments was named" in capsys.readouterr().err
