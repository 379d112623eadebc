"""When payments are due, and how a load is cut."""

import pytest

from loadtest.plan.schedule import SLICE, Phase, Slice, slices


def test_a_constant_rate_spreads_its_payments_over_its_seconds() -> None:
    phase = Phase(rate=4, seconds=2)
    assert list(phase.due()) == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    assert phase.count == 8


def test_a_step_raises_the_rate_after_each_interval() -> None:
    phase = Phase(rate=1, seconds=6, step=1, every=2)
    assert list(phase.due()) == [1, 2, 2.5, 3, 3.5, 4, *(pytest.approx(4 + number / 3) for number in range(1, 7))]
    assert phase.count == 2 + 4 + 6


def test_a_rate_may_fall() -> None:
    assert Phase(rate=5, seconds=3, step=-2).lowest == 1


@pytest.mark.parametrize(
    "phases",
    [
        [Phase(3, 7)],
        [Phase(3, 13, step=2, every=1)],
        [Phase(3, 13, step=2, every=2)],
        [Phase(3, 25, step=2, every=7)],
        [Phase(2, 6), Phase(20, 3), Phase(2, 6)],
    ],
    ids=["constant", "line", "steps within slices", "slices within steps", "several"],
)
def test_slices_have_the_payments_of_the_phases_at_the_same_moments(phases: list[Phase]) -> None:
    found = slices(phases)
    assert all(part.phase.seconds <= SLICE for part in found)
    begins = [sum(phase.seconds for phase in phases[:number]) for number in range(len(phases))]
    whole = [begin + due for begin, phase in zip(begins, phases, strict=True) for due in phase.due()]
    assert [part.begin + due for part in found for due in part.phase.due()] == pytest.approx(whole)
    assert [part.number for part in found] == list(range(len(found)))


def test_a_slice_ends_where_the_next_begins() -> None:
    assert slices([Phase(1, 7)]) == [Slice(0, 0, Phase(1, 5)), Slice(1, 5, Phase(1, 2))]
