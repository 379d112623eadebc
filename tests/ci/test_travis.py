"""What Travis's schema cannot say of .travis.yml."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.ci.conditions import holds

ROOT = Path(__file__).parents[2]
PIPELINE = yaml.safe_load((ROOT / ".travis.yml").read_text())
JOBS = PIPELINE["jobs"]["include"]


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """Nothing here talks to the service, so none is started."""


@pytest.mark.parametrize("job", JOBS, ids=[job["name"] for job in JOBS])
def test_a_job_is_one_line_as_travis_goes_on_after_a_line_that_failed(job: dict[str, object]) -> None:
    script = job["script"]
    assert isinstance(script, str)
    assert not re.search(r"[;\n]|\|\|", script)


@pytest.mark.parametrize("job", JOBS, ids=[job["name"] for job in JOBS])
def test_what_a_job_calls_is_in_the_repository(job: dict[str, str]) -> None:
    program, *arguments = job["script"].split()
    if program == "make":
        asked = subprocess.run([program, "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
    else:
        for word in [program, *arguments]:
            assert "/" not in word or (ROOT / word).stat().st_mode & 0o111


def jobs(**build: str) -> dict[str, set[str]]:
    """The jobs that run for a build, by stage."""
    conditions = {stage["name"]: stage.get("if", "true") for stage in PIPELINE["stages"]}
    stage, found = "", {}
    for job in JOBS:
        stage = job.get("stage", stage)
        if holds(conditions[stage], build) and holds(job.get("if", "true"), build):
            found.setdefault(stage, set()).add(job["name"])
    return found


ALWAYS = {"style, types and contract", "tests", "manifests", "infrastructure"}


def test_a_push_to_the_default_branch_is_checked_and_its_images_pushed() -> None:
    assert jobs(type="push", branch="main", fork="false") == {"check": ALWAYS, "images": {"build and push to ECR"}}


@pytest.mark.parametrize("fork", ["true", "false"])
def test_a_pull_request_is_checked_and_its_images_are_built_but_not_pushed(fork: str) -> None:
    assert jobs(type="pull_request", branch="main", head_branch="change", fork=fork) == {"check": {*ALWAYS, "images build"}}


@pytest.mark.parametrize("branch", ["v1.2.3", "main"])
def test_a_tag_is_checked_and_builds_no_images_whatever_its_name(branch: str) -> None:
    assert jobs(type="push", branch=branch, tag=branch, fork="false") == {"check": ALWAYS}


@pytest.mark.parametrize("build", [{"type": "push", "fork": "true"}, {"type": "cron", "fork": "false"}, {"type": "api", "fork": "false"}])
def test_the_default_branch_of_a_fork_and_builds_of_no_push_are_checked_alone(build: dict[str, str]) -> None:
    assert jobs(branch="main", **build) == {"check": ALWAYS}


def test_stages_stand_in_the_order_in_which_they_run() -> None:
    assert [job["stage"] for job in JOBS if "stage" in job] == [stage["name"] for stage in PIPELINE["stages"]]
