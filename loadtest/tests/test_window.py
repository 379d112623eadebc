"""What is counted of what happens around a window, and percentiles."""

import asyncio

import pytest

from loadtest.window import Window, now, percentile


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, expected: float) -> None:
    assert percentile(range(1, 101), percent) == expected


@pytest.mark.parametrize("percent", [50, 99])
def test_the_percentiles_of_one_value_are_that_value_and_of_none_nothing(percent: float) -> None:
    assert percentile([7], percent) == 7
    assert percentile([], percent) is None


async def test_a_request_counts_by_its_begin_and_the_rate_by_what_came_in_time() -> None:
    window = Window(lambda: None, lambda: None)
    early = now()
    window.begin(early)
    closing = asyncio.ensure_future(window.last(0.2))
    await asyncio.sleep(0.05)
    window.answer(early, "200")
    for outcome in ("200", "429"):
        begun = now()
        window.begin(begun)
        window.answer(begun, outcome)
    late = now()
    window.begin(late)
    await closing
    window.answer(late, "200")
    window.begin(now())
    answers = window.answers()
    assert answers.outcomes == {"200": 2, "429": 1}
    assert (answers.answered, answers.rate) == (3, pytest.approx(2 / 0.2))
    assert answers.p99 is not None and 100 < answers.p99 < 300


async def test_begin_and_end_are_told() -> None:
    told: list[str] = []
    await Window(lambda: told.append("begin"), lambda: told.append("end")).last(0.01)
    assert told == ["begin", "end"]
