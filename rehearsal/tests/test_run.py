"""A build as Travis runs it, on a repository of its own: where it stops, and what jobs are given."""

import os
import subprocess
from pathlib import Path

import pytest

from rehearsal import job as limits
from rehearsal.build import Build, pull_request, push, tagged
from rehearsal.conditions import Unknown
from rehearsal.job import Machine
from rehearsal.pipeline import read
from rehearsal.run import Ran, report, run
from rehearsal.settings import Settings, Variable

ROOT = Path(__file__).parents[2]
SETTINGS = Settings({"AWS_ACCESS_KEY_ID": Variable("an-id"), "LIMITED": Variable("to-main", "main")}, {"AWS_SECRET_ACCESS_KEY": "a-secret"})

SMALL = """
stages: [{name: one}, {name: two, if: type = push}]
env: {global: [GREETING=hello]}
jobs:
  include:
    - stage: one
      name: first
      before_script: %s
      script: [%s, echo after]
      workspaces: {create: {name: kept, paths: [made/file]}}
    - stage: two
      name: second
      workspaces: {use: kept}
      script: cat made/file
"""


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a commit")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "repository").mkdir()
    return Repository(tmp_path / "repository")


def rehearse(repository: Repository, build: Build) -> Ran:
    machine = Machine(
        repository.folder, {"PATH": os.environ["PATH"], "HOME": str(repository.folder.parent)}, repository.folder.parent / "rehearsal"
    )
    return run(read(repository.folder / ".travis.yml"), build, SETTINGS, machine, say=lambda line: None)


def small(repository: Repository, before: str = "test -d .", script: str = "mkdir made && echo $GREETING >made/file") -> str:
    return repository.commit({".travis.yml": SMALL % (before, script)})


def test_stages_run_in_order_and_hand_files_on(repository: Repository, tmp_path: Path) -> None:
    ran = rehearse(repository, push(small(repository)))
    assert ran.passed
    assert "hello" in ran.log("second")
    report("a story", ran, tmp_path / "report.md")
    assert "| two | second | passed |" in (tmp_path / "report.md").read_text()


def test_a_line_that_fails_lets_the_job_go_on_and_stops_the_pipeline_after_its_stage(repository: Repository) -> None:
    ran = rehearse(repository, push(small(repository, script="test -f nothing")))
    assert ran.state("first") == "failed" and "\nafter" in ran.log("first")
    assert ran.canceled == ["two"] and ran.state("second") == "not run"


def test_a_preparation_that_fails_ends_the_job_before_its_script(repository: Repository) -> None:
    ran = rehearse(repository, push(small(repository, before="test -f nothing")))
    assert ran.state("first") == "errored" and "after" not in ran.log("first")
    assert ran.canceled == ["two"]


def test_a_job_that_is_silent_for_too_long_is_ended(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SILENT", 1)
    assert rehearse(repository, push(small(repository, script="sleep 600"))).state("first") == "failed"


@pytest.mark.parametrize("key", ["matrix", "after_failure", "if"])
def test_a_key_that_is_not_known_stops_the_rehearsal(repository: Repository, key: str) -> None:
    small(repository)
    file = repository.folder / ".travis.yml"
    file.write_text(file.read_text() + f"{key}: true\n")
    with pytest.raises(Unknown, match=key):
        read(file)


# Every program that the lines of .travis.yml call: each says what it was given.
TELLS = {name: "#!/bin/sh\nenv\n" for name in ("ci/assume", "ci/kind", "ci/publish", "images/builder")} | {
    "Makefile": "%:\n\t@env\n.DEFAULT:\n\t@env\n"
}


@pytest.fixture
def telling(repository: Repository) -> Repository:
    """The .travis.yml of this repository, with programs that print their environment, and leave what workspaces are made of."""
    digests = "mkdir -p build/images && touch build/images/payments-server.digest build/images/payments-gateway.digest\n"
    repository.commit({".travis.yml": (ROOT / ".travis.yml").read_text(), **TELLS, "ci/assume": "#!/bin/sh\nenv\n" + digests})
    return repository


@pytest.mark.parametrize("fork", [True, False])
def test_no_job_of_a_pull_request_has_the_key_and_one_of_a_fork_has_nothing(telling: Repository, fork: bool) -> None:
    ran = rehearse(telling, pull_request(telling.git("rev-parse", "HEAD"), fork=fork))
    assert ran.passed and len(ran.outcomes) == 7
    told = "".join(ran.log(outcome.job.name) for outcome in ran.outcomes)
    assert "a-secret" not in told
    assert ("an-id" in told) != fork
    # What a limit to main would have done: a pull request into main has the branch main.
    assert ("to-main" in told) != fork


def test_production_has_the_key_that_a_limit_to_main_would_keep_from_it(telling: Repository) -> None:
    ran = rehearse(telling, tagged(telling.git("rev-parse", "HEAD"), "v1.0.0"))
    assert ran.passed
    told = ran.log("deploy to production")
    assert "AWS_SECRET_ACCESS_KEY=a-secret" in told and "TRAVIS_BRANCH=v1.0.0" in told
    assert "to-main" not in told
    assert "a-secret" not in ran.log("tests")


def test_main_has_the_key_where_it_pushes_and_deploys_and_nowhere_else(telling: Repository) -> None:
    ran = rehearse(telling, push(telling.git("rev-parse", "HEAD")))
    assert ran.passed
    having = {outcome.job.name for outcome in ran.outcomes if "a-secret" in ran.log(outcome.job.name)}
    assert having == {"payments-server", "payments-gateway", "deploy to staging"}


def test_a_script_broken_on_purpose_stops_the_pipeline_before_anything_is_deployed(telling: Repository) -> None:
    broken = telling.commit({"ci/assume": "#!/bin/sh\nexit 1\n"})
    ran = rehearse(telling, push(broken))
    assert ran.state("tests") == "passed" and ran.state("payments-server") == "failed"
    assert ran.canceled == ["staging"] and ran.state("deploy to staging") == "not run"
