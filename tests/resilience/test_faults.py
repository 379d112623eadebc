"""A short form of the faults that need nothing but PostgreSQL; `make resilience` has all of them, in full."""

from collections.abc import Iterator

import pytest

from tests.resilience.fault import Fault, run
from tests.resilience.faults import database, kills, network, rolling
from tests.resilience.stage import PLAIN, Stage, staged

WRITES = 150


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(PLAIN) as started:
        yield started


@pytest.mark.parametrize("fault", [*kills.FAULTS, *database.QUICK], ids=lambda fault: fault.name)
def test_nothing_is_lost_or_done_twice(stage: Stage, fault: Fault) -> None:
    outcome = run(fault, stage, WRITES)
    assert outcome.broken == []
    assert outcome.writes >= WRITES


@pytest.mark.parametrize("fault", [*network.QUICK, *rolling.QUICK], ids=lambda fault: fault.name)
def test_nothing_is_lost_or_done_twice_on_a_stage_of_its_own(fault: Fault) -> None:
    with staged(fault.layout) as stage:
        outcome = run(fault, stage, WRITES)
    assert outcome.broken == []
