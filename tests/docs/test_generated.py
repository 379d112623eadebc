"""Pages and tables that a command writes are what it would write now."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import committable

GENERATORS = {
    "make api-reference": "docs/api_reference.py",
    "make metrics-table": "docs/metrics_table.py",
    "make testing-tables": "docs/testing_tables.py",
    "make infra-costs": "terraform/costs.py",
    "make figures": "docs/figures.py",
}


@pytest.mark.parametrize("target", GENERATORS)
def test_a_generator_has_nothing_to_write_anew(checkout: Path, target: str) -> None:
    assert changed_by([sys.executable, GENERATORS[target]], checkout) == [], f"{target} has not been run since what it reads was changed"


def test_a_table_that_was_changed_by_hand_is_found(checkout: Path) -> None:
    page = checkout / "docs" / "metrics.md"
    page.write_text(page.read_text().replace("| `payments_created_total` | counter |", "| `payments_created_total` | gauge |"))
    assert changed_by([sys.executable, GENERATORS["make metrics-table"]], checkout) == ["docs/metrics.md"]


def test_the_tables_of_modules_are_those_of_terraform_docs(checkout: Path) -> None:
    if shutil.which("terraform-docs") is None:
        pytest.skip("NOT RUN: terraform-docs is not installed, so the modules' tables were not compared")
    assert changed_by(["make", "infra-docs"], checkout) == []


def changed_by(command: list[str], checkout: Path) -> list[str]:
    """The pages that are others after the command."""
    names = [name for name in committable() if name.endswith(".md")]
    before = {name: (checkout / name).read_bytes() for name in names}
    environment = {**os.environ, "PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'proto'}"}
    subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True, timeout=60)
    return [name for name in names if (checkout / name).read_bytes() != before[name]]
