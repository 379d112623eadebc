"""What Travis's schema cannot say of .travis.yml."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

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


def test_every_stage_that_takes_a_role_is_closed_to_pull_requests_and_forks() -> None:
    conditions = {stage["name"]: stage.get("if", "") for stage in PIPELINE["stages"]}
    stage, guarded = "", []
    for job in JOBS:
        stage = job.get("stage", stage)
        if job["script"].startswith("ci/assume"):
            guarded.append(stage)
            terms = conditions[stage].split(" AND ")
            assert "type = push" in terms
            assert "fork = false" in terms
            assert " OR " not in conditions[stage]
    assert guarded == ["images"]


def test_stages_stand_in_the_order_in_which_they_run() -> None:
    assert [job["stage"] for job in JOBS if "stage" in job] == [stage["name"] for stage in PIPELINE["stages"]]
