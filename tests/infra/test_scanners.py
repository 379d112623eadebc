"""trivy (which took tfsec in) and checkov find nothing that terraform/exceptions.toml does not explain."""

import datetime
import json
import tomllib
from pathlib import Path

import pytest

from tests.infra.conftest import SOURCE, copy, run, tool

EXCEPTIONS = tomllib.loads((SOURCE / "exceptions.toml").read_text())["exception"]
EXPLAINED = {(identity, exception["where"]) for exception in EXCEPTIONS for identity in exception["ids"]}

Finding = tuple[str, str]


def trivy(code: Path) -> set[Finding]:
    values = "environment/environments/production.tfvars"
    done = run(tool("trivy"), "config", "--skip-check-update", "--quiet", "--format", "json", "--tf-vars", values, ".", cwd=code)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout).get("Results", [])
    assert len(results) > 5, "trivy saw next to nothing"
    return {(found["ID"], result["Target"]) for result in results for found in result.get("Misconfigurations", [])}


def checkov(code: Path) -> set[Finding]:
    done = run(
        tool("checkov"), "-d", ".", "--skip-download", "--framework", "terraform", "--compact", "--quiet", "--output", "json", cwd=code
    )
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 100, "checkov saw next to nothing"
    return {(found["check_id"], found["file_path"].lstrip("/")) for found in report["results"]["failed_checks"]}


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code without what tests lay beside it."""
    copied = copy(tmp_path_factory.mktemp("committed"))
    (copied / "bootstrap" / "destroyable_override.tf").unlink()
    return copied


SCANNERS = {"trivy": trivy, "checkov": checkov}


@pytest.mark.parametrize("scanner", SCANNERS)
def test_every_finding_is_explained_and_every_explanation_has_one(scanner: str, committed: Path) -> None:
    found = SCANNERS[scanner](committed)
    of_this_scanner = {explained for explained in EXPLAINED if explained[0].startswith("CKV") == (scanner == "checkov")}
    assert found - EXPLAINED == set(), "findings without an exception"
    assert of_this_scanner - found == set(), "exceptions that find nothing any longer"


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda exception: exception["ids"][0])
def test_no_exception_has_expired(exception: dict[str, object]) -> None:
    assert isinstance(exception["until"], datetime.date) and isinstance(exception["reason"], str)
    assert exception["until"] >= datetime.date.today(), "to be thought over again, and mended or prolonged"
    assert exception["until"] <= datetime.date.today() + datetime.timedelta(days=400), "no exception is for ever"
    assert len(exception["reason"]) > 40
