"""What can be said of the code without an AWS, or an emulator of one."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.infra.conftest import FOLDERS, SOURCE, run, tool
from tests.infra.terraform import Terraform


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_the_code_is_formatted() -> None:
    done = run(tool("terraform"), "fmt", "-check", "-diff", "-recursive", cwd=SOURCE)
    assert done.returncode == 0, said(done)


def check(terraform: Terraform, folder: str) -> list[subprocess.CompletedProcess[str]]:
    return [terraform(folder, *arguments) for arguments in (["init", "-backend=false"], ["validate"], ["test"])]


@pytest.fixture(scope="module")
def checked(terraform: Terraform) -> Iterator[dict[str, Future[list[subprocess.CompletedProcess[str]]]]]:
    """The folders' checks, two at a time: each is a process of its own, and waits for its provider much of the time."""
    with ThreadPoolExecutor(2) as pool:
        yield {folder: pool.submit(check, terraform, folder) for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_code_is_valid_and_its_tests_pass(folder: str, checked: dict[str, Future[list[subprocess.CompletedProcess[str]]]]) -> None:
    for done in checked[folder].result():
        assert done.returncode == 0, said(done)
    assert "Success! 0 passed" not in done.stdout, f"{folder} has no tests"


@pytest.mark.parametrize("folder", FOLDERS)
def test_tflint_finds_nothing(folder: str, code: Path) -> None:
    done = run(tool("tflint"), f"--chdir={code / folder}", f"--config={SOURCE / '.tflint.hcl'}", "--no-color")
    assert done.returncode == 0, said(done)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_has_the_codes_inputs_and_outputs(folder: str, code: Path) -> None:
    done = run(tool("terraform-docs"), "-c", str(SOURCE / ".terraform-docs.yml"), "--output-check", str(code / folder))
    assert done.returncode == 0, f"{said(done)}; make infra-docs writes them anew"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_the_files_of_a_module(folder: str) -> None:
    missing = {"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md", "tests"} - {
        file.name for file in (SOURCE / folder).iterdir()
    }
    assert not missing


def test_no_lock_file_of_a_stand_in_is_committed() -> None:
    for file in SOURCE.rglob(".terraform.lock.hcl"):
        assert "+" not in file.read_text().split("hashes")[0], f"{file} is of a stand-in for the provider"
