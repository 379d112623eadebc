"""A copy of terraform/ in which Terraform may leave what it likes, and what else the tests of the infrastructure share."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.account import BUCKET_POLICY, ENVIRONMENTS, Account, variables
from tests.infra.emulator import emulator
from tests.infra.permissions import Simulator, installed
from tests.infra.terraform import Terraform

SOURCE = Path(__file__).parents[2] / "terraform"
FOLDERS = sorted(str(file.parent.relative_to(SOURCE)) for file in SOURCE.rglob("versions.tf") if ".terraform" not in file.parts)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The lifecycle ends with everything destroyed: it comes last."""
    items.sort(key=lambda item: item.path.name == "test_lifecycle.py")


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


@pytest.fixture(scope="session")
def account(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Everything made on the emulator, from an empty account, by the commands of docs/iac.md."""
    tool("aws")
    if not terraform.is_stand_in("modules/ci"):
        pytest.skip("moto has no EKS add-ons, access entries and pod identities, at which HashiCorp's provider stops: nothing was applied")
    folder = tmp_path_factory.mktemp("account")
    code = copy(folder)
    (code / "bootstrap" / "emulator_override.tf").write_text(BUCKET_POLICY)
    (code / "ci-addresses.json").write_text(json.dumps(["203.0.113.0/24"]))
    with emulator(folder / "moto.log") as url:
        made = Account(url, Terraform(terraform.program, code, {**os.environ, **variables(url)}))
        made.run("bootstrap")
        for root in ("shared", *ENVIRONMENTS):
            made.apply(root)
        made.mend_subnets()
        yield made


@pytest.fixture(scope="session")
def simulator(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    return Simulator(account, installed(tmp_path_factory.mktemp("iam")))


def tool(name: str) -> str:
    """The path of a program, or the test is skipped."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed: what it checks was not checked")
    return program


def run(*command: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600)
