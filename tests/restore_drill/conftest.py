"""These tests start what they break themselves."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """In place of the shared stack's."""
