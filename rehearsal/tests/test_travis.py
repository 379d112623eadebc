"""What Travis's schema cannot say of .travis.yml: what runs for which build."""

import re
import subprocess
from pathlib import Path

import pytest

from rehearsal.build import Build, pull_request, push, tagged
from rehearsal.pipeline import Job, read

ROOT = Path(__file__).parents[2]
PIPELINE = read(ROOT / ".travis.yml")
COMMIT = "0" * 40
OF_JOBS = {"ids": [job.name for job in PIPELINE.jobs]}

CHECK = {"style, types and contract", "tests", "manifests", "infrastructure", "end to end, on kind"}
ALWAYS = {"check": CHECK, "scan": {"code, history, packages and manifests"}}


@pytest.mark.parametrize("job", PIPELINE.jobs, **OF_JOBS)
def test_a_job_is_one_line_as_travis_goes_on_after_a_line_that_failed(job: Job) -> None:
    (line,) = job.phases["script"]
    assert not re.search(r"[;\n]|\|\|", line)


@pytest.mark.parametrize("job", PIPELINE.jobs, **OF_JOBS)
def test_what_a_job_calls_is_in_the_repository(job: Job) -> None:
    for line in job.phases["script"][0].split(" && "):
        program, *arguments = line.split()
        if program == "make":
            asked = subprocess.run([program, "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True)
            assert asked.returncode == 0, asked.stderr
        else:
            for word in [program, *arguments]:
                assert not word.startswith("ci/") or (ROOT / word).stat().st_mode & 0o111


def jobs(build: Build) -> dict[str, set[str]]:
    return {stage.name: {job.name for job in of_stage} for stage, of_stage in PIPELINE.selected(build)}


def test_a_push_to_the_default_branch_is_checked_scanned_pushed_and_deployed_to_staging() -> None:
    images = {"payments-server", "payments-gateway"}
    assert jobs(push(COMMIT)) == {**ALWAYS, "images": images, "staging": {"deploy to staging"}}


@pytest.mark.parametrize("fork", [True, False])
def test_a_pull_request_is_checked_and_its_images_are_scanned_but_not_pushed(fork: bool) -> None:
    assert jobs(pull_request(COMMIT, fork=fork)) == {**ALWAYS, "scan": {*ALWAYS["scan"], "images"}}


def test_a_tag_of_a_version_deploys_to_production_what_main_has_built() -> None:
    production = {"production": {"deploy to production"}, "package": {"publish payments-proto"}}
    assert jobs(tagged(COMMIT, "v1.2.3")) == {**ALWAYS, **production}


@pytest.mark.parametrize(
    "build", [push(COMMIT, "change"), tagged(COMMIT, "v1.2"), tagged(COMMIT, "latest")], ids=lambda build: build.branch
)
def test_other_branches_and_tags_are_not_built(build: Build) -> None:
    assert jobs(build) == {}


@pytest.mark.parametrize(
    "build",
    [
        Build("push", "main", COMMIT, tag="main"),
        Build("push", "main", COMMIT, fork=True),
        Build("cron", "main", COMMIT),
        Build("api", "main", COMMIT),
    ],
    ids=["a tag with a branch's name", "a fork's own build", "cron", "api"],
)
def test_what_looks_like_the_default_branch_is_checked_alone(build: Build) -> None:
    assert jobs(build) == ALWAYS


def test_no_job_of_a_pull_request_has_an_encrypted_line_and_each_that_assumes_a_role_has() -> None:
    for fork in (True, False):
        assert not any(job.encrypted for _, of_stage in PIPELINE.selected(pull_request(COMMIT, fork=fork)) for job in of_stage)
    assert all(job.encrypted for job in PIPELINE.jobs if "ci/assume" in job.phases["script"][0])


def test_jobs_stand_in_the_order_of_their_stages() -> None:
    order = [stage.name for stage in PIPELINE.stages]
    assert [order.index(job.stage) for job in PIPELINE.jobs] == sorted(order.index(job.stage) for job in PIPELINE.jobs)
