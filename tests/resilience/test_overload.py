"""A short form of `make overload`, whose thresholds a machine with much other work passes."""

import contextlib
from collections.abc import Iterator

import pytest

from loadtest.saturation import APIS, Api
from loadtest.stored import Table
from local.stack import Stack, stack, temporary_folder
from process.listening import allow_connections
from tests.resilience.overload import Promise, rows

SECONDS = 2.0
LOADED = Promise(part=0.1, health=15.0, back=15.0, refuses=False)


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    allow_connections()
    with temporary_folder() as folder, stack(folder) as started:
        yield started


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_twice_the_load_is_answered_or_refused_and_health_goes_on(running: Stack, api: Api) -> None:
    with contextlib.closing(Table(running.database_url)) as table:
        row = next(rows(api, running, table, SECONDS))
    assert row.broken(LOADED) == []
