"""The local overlay on the current context, deployed once, and what the tests reach it by."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.callers import make_callers, remove_callers
from tests.e2e.deploy import deploy
from tests.e2e.service import Door, find_door


@pytest.fixture(scope="module", autouse=True)
def empty_tables() -> None:
    """The service of the cluster keeps what it has."""


@pytest.fixture(scope="session", autouse=True)
def deployed() -> None:
    deploy(os.environ.get("E2E_TAG", ""))


@pytest.fixture(scope="session")
def door(deployed: None, tmp_path_factory: pytest.TempPathFactory) -> Door:
    return find_door(tmp_path_factory.mktemp("door"))


@pytest.fixture(scope="session")
def callers(deployed: None) -> Iterator[None]:
    make_callers()
    yield
    remove_callers()
