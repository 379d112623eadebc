"""Deadlines that tasks enter, and what ends at them."""

import asyncio
import time

import pytest

from process.deadlines import RESOLUTION, Deadlines


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines()


async def wait(deadlines: Deadlines, seconds: float, work: float) -> None:
    with deadlines.at(time.monotonic() + seconds):
        await asyncio.sleep(work)


async def test_what_ends_in_time_ends_as_it_would(deadlines: Deadlines) -> None:
    await wait(deadlines, seconds=0.02, work=0)
    await asyncio.sleep(0.1)


async def test_what_does_not_end_in_time_raises_timeout_error_at_its_deadline(deadlines: Deadlines) -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        await wait(deadlines, seconds=0.1, work=60)
    assert 0.09 < time.monotonic() - begin < 0.1 + RESOLUTION + 0.2


async def test_each_of_many_has_its_own_deadline(deadlines: Deadlines) -> None:
    waits = [wait(deadlines, seconds, work=0.2) for seconds in (0.05, 0.05, 60, 0.1, 60)]
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimeoutError, TimeoutError, type(None), TimeoutError, type(None)]


async def test_all_that_wait_can_be_ended_at_once(deadlines: Deadlines) -> None:
    waits = [asyncio.ensure_future(wait(deadlines, seconds, work=60)) for seconds in (0.05, 60, 90)]
    await asyncio.sleep(0)
    deadlines.expire_all()
    deadlines.expire_all()
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimeoutError] * 3
    await asyncio.sleep(0.1)


async def test_a_deadline_that_has_passed_ends_the_wait_at_once(deadlines: Deadlines) -> None:
    with pytest.raises(TimeoutError):
        await wait(deadlines, seconds=-1, work=60)


async def test_a_cancelled_task_is_cancelled_and_not_late(deadlines: Deadlines) -> None:
    task = asyncio.ensure_future(wait(deadlines, seconds=0.05, work=60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)


async def test_a_task_that_is_cancelled_at_its_deadline_is_cancelled(deadlines: Deadlines) -> None:
    async def both() -> None:
        with deadlines.at(time.monotonic() + 60) as deadline:
            deadline.expire()
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(both())


async def test_an_error_of_the_work_stays_itself(deadlines: Deadlines) -> None:
    with pytest.raises(KeyError), deadlines.at(time.monotonic() + 60):
        raise KeyError


async def test_nothing_is_kept_of_deadlines_that_have_passed(deadlines: Deadlines) -> None:
    for _ in range(100):
        await wait(deadlines, seconds=0.02, work=0)
    await asyncio.sleep(0.1)
    assert not deadlines._due
