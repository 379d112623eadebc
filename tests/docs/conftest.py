"""What the tests of the documents share."""

import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, committable


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """Nothing here talks to the service of the other tests, so none is started."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what Git has or would take, as somebody who clones the repository gets it."""
    for name in committable():
        copy = tmp_path / "checkout" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
    return tmp_path / "checkout"
