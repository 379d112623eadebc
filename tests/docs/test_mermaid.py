"""Mermaid itself parses every diagram, as GitHub will."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, pages

HERE = Path(__file__).with_name("mermaid")
DIAGRAMS = [
    pytest.param(block.text, id=f"{page.relative_to(ROOT)}:{block.line}")
    for page in pages()
    for block in blocks(page)
    if block.info == ["mermaid"]
]


@pytest.fixture(scope="module")
def mermaid() -> Path:
    """The folder of Mermaid and its packages, installed once. Skips where node or the packages cannot be had."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT RUN: {program} is not installed, so no diagram was parsed")
    folder = ROOT / "build" / "mermaid"
    lock = folder / "package-lock.json"
    fresh = (folder / "node_modules").is_dir() and lock.read_bytes() == (HERE / lock.name).read_bytes()
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    if not fresh:
        installed = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=300)
        if installed.returncode != 0:
            shutil.rmtree(folder)
            pytest.skip(f"NOT RUN: Mermaid cannot be had, so no diagram was parsed: {installed.stderr[-300:]}")
    return folder


def wrong(folder: Path, diagram: str) -> str:
    """What Mermaid has against it."""
    command = ["node", "parse.mjs"]
    return subprocess.run(command, cwd=folder, input=diagram, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_mermaid_parses_the_diagram(mermaid: Path, diagram: str) -> None:
    assert not wrong(mermaid, diagram)


def test_a_diagram_with_a_bracket_left_open_is_found(mermaid: Path) -> None:
    assert "Parse error" in wrong(mermaid, "flowchart LR\n  a[open --> b")
