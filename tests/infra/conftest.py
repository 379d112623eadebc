"""A copy of terraform/ in which Terraform may leave what it likes, and what else the tests of the infrastructure share."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.terraform import Terraform

SOURCE = Path(__file__).parents[2] / "terraform"
FOLDERS = sorted(str(file.parent.relative_to(SOURCE)) for file in SOURCE.rglob("versions.tf") if ".terraform" not in file.parts)


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """Nothing here talks to the service, so none is started."""


# Tests destroy what they make; nobody else destroys the states.
DESTROYABLE = """resource "aws_s3_bucket" "state" {
  force_destroy = true

  lifecycle {
    prevent_destroy = false
  }
}
"""


def copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*", "*_override.tf", "account.env", "ci-addresses.json")
    copied = Path(shutil.copytree(SOURCE, folder / "terraform", ignore=ignored))
    (copied / "bootstrap" / "destroyable_override.tf").write_text(DESTROYABLE)
    return copied


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy(tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="session")
def terraform(code: Path) -> Terraform:
    """Terraform with a provider for hashicorp/aws. Skips where there is no Terraform, or no provider to be had."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not installed: nothing of it was tested (https://developer.hashicorp.com/terraform/install)")
    found = Terraform(program, code, dict(os.environ))
    tried = found.init("modules/ci")
    if tried.returncode != 0:
        pytest.skip(f"no provider for hashicorp/aws could be had: nothing of it was tested: {tried.stderr.strip()[-300:]}")
    return found


def tool(name: str) -> str:
    """The path of a program, or the test is skipped."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed: what it checks was not checked")
    return program


def run(*command: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600)
