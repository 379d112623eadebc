"""What README's table of the brief names is there: commands, targets and tests, and the figures that it takes from reports."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code, committable, tables

PAGES = [ROOT / "README.md", ROOT / "README.pt-BR.md"]


def requirements(page: Path) -> list[list[str]]:
    """The rows of the table, which is the longest one of four columns."""
    return max((table for table in tables(page) if len(table[0]) == 4), key=len)[1:]


COMMANDS = sorted({command for row in requirements(PAGES[0]) for command in code(row[2])})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_of_the_repository(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "make":
        asked = subprocess.run([program, "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert asked.returncode == 0, asked.stderr
    else:
        assert [program, *arguments[:2]] == [".venv/bin/python", "-m", "pytest"]
        for path in arguments[2:]:
            assert any(name == path or name.startswith(f"{path}/test_") for name in committable()), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_requirement_has_a_place_a_command_and_what_was_seen(page: Path) -> None:
    rows = requirements(page)
    assert len(rows) >= 23
    for row in rows:
        assert "](" in row[1] and code(row[2]), row[0]


def measured() -> dict[str, int]:
    """By what README says of it, figures of the reports."""
    bench = json.loads((ROOT / "docs/performance/bench.json").read_text())
    scenarios = {each["name"]: each for each in bench["scenarios"]}
    matrix = (ROOT / "docs/reliability.md").read_text().partition("<!-- matrix: begin")[2].partition("<!-- matrix: end -->")[0]
    faults = [row.split("|")[1:-1] for row in matrix.splitlines() if row.startswith("|")][2:]
    costs = re.search(r"\*\*together\*\* \| \*\*([\d,]+)\*\* \| \*\*([\d,]+)\*\*", (ROOT / "docs/iac.md").read_text())
    assert costs and all(cell.strip() == "0" for row in faults for cell in row[-2:])
    return {
        "creates a second": round(scenarios["rest-create-256"]["rate"]),
        "updates a second": round(scenarios["rest-update-64"]["rate"]),
        "milliseconds of a list": round(scenarios["rest-list-2"]["p50"]),
        "gRPC creates a second": round(scenarios["grpc-create-64"]["rate"]),
        "faults": len(faults),
        "staging, USD a month": int(costs[1].replace(",", "")),
        "production, USD a month": int(costs[2].replace(",", "")),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("what", measured())
def test_figures_are_those_of_the_reports(page: Path, what: str) -> None:
    figures = {int(re.sub(r"[.,]", "", each)) for row in requirements(page) for each in re.findall(r"\d[\d.,]*\d|\d", row[3])}
    assert measured()[what] in figures, f"{what}: the report says {measured()[what]:,}"
