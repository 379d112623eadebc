"""What the tests of the documents share."""

from pathlib import Path

import pytest

from tests.docs.pages import clone


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """Nothing here talks to the service of the other tests, so none is started."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what Git has or would take, as somebody who clones the repository gets it."""
    return clone(tmp_path / "checkout")
