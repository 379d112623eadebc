"""What README's table of the brief names is there: commands, targets and tests."""

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
