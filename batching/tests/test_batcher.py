"""Callers that share a batch, and what each of them may rely on."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from batching import Batcher

LARGEST = 100
IN_FLIGHT = 2


class Refused(Exception):
    pass


class Statements:
    """Stands in for the database: notes each group, and ends it when told to."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.deadlines: list[float] = []
        self.gates: list[asyncio.Future[None]] = []

    async def write(self, items: Sequence[str], deadline: float) -> list[str | Exception]:
        self.groups.append(list(items))
        self.deadlines.append(deadline)
        self.gates.append(asyncio.get_running_loop().create_future())
        await self.gates[-1]
        return [Refused() if item.startswith("bad") else item.upper() for item in items]

    def end(self, number: int) -> None:
        self.gates[number].set_result(None)


@pytest.fixture
def statements() -> Statements:
    return Statements()


@pytest.fixture
def group(statements: Statements) -> Batcher[str, str]:
    return Batcher(statements.write, in_flight=IN_FLIGHT, key=lambda item: item.partition("/")[0], size=lambda item: 1, largest=LARGEST)


def submit(group: Batcher[str, str], item: str, seconds: float = 60) -> asyncio.Task[str]:
    return asyncio.ensure_future(group.submit(item, time.monotonic() + seconds))


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def depart(group: Batcher[str, str], *items: str) -> list[asyncio.Task[str]]:
    """Items that are on their way, each in a batch of its own."""
    tasks = []
    for item in items:
        tasks.append(submit(group, item))
        await settle()
    return tasks


async def test_a_lone_item_goes_at_once(group: Batcher[str, str], statements: Statements) -> None:
    task = submit(group, "a")
    await settle()
    assert statements.groups == [["a"]]
    statements.end(0)
    assert await task == "A"


async def test_what_arrives_together_leaves_together(group: Batcher[str, str], statements: Statements) -> None:
    tasks = [submit(group, item) for item in ("a", "b", "c")]
    await settle()
    assert statements.groups == [["a", "b", "c"]]
    statements.end(0)
    assert await asyncio.gather(*tasks) == ["A", "B", "C"]


async def test_what_waits_travels_together_in_the_order_it_came(group: Batcher[str, str], statements: Statements) -> None:
    tasks = await depart(group, *(str(number) for number in range(10)))
    assert statements.groups == [["0"], ["1"]], "as many as may be in flight go alone"
    assert len(statements.groups) == IN_FLIGHT
    statements.end(1)
    await settle()
    assert statements.groups[2] == [str(number) for number in range(2, 10)]
    statements.end(2)
    statements.end(0)
    assert await asyncio.gather(*tasks) == [str(number) for number in range(10)]


async def test_a_bad_item_fails_alone(group: Batcher[str, str], statements: Statements) -> None:
    first = await depart(group, "x", "y")
    good, bad = submit(group, "good"), submit(group, "bad")
    await settle()
    statements.end(0)
    await settle()
    statements.end(2)
    assert await good == "GOOD"
    with pytest.raises(Refused):
        await bad
    statements.end(1)
    await asyncio.gather(*first)


async def test_a_lost_statement_fails_all_that_were_in_it_and_no_other(statements: Statements) -> None:
    async def lost(items: Sequence[str], deadline: float) -> list[str | Exception]:
        if "lost" in items:
            raise Refused
        return list(items)

    group: Batcher[str, str] = Batcher(lost, in_flight=IN_FLIGHT, key=lambda item: item, size=lambda item: 1, largest=LARGEST)
    tasks = [*await depart(group, "a"), submit(group, "lost"), submit(group, "beside it")]
    await settle()
    outcomes = await asyncio.gather(*tasks, submit(group, "b"), return_exceptions=True)
    assert outcomes[0] == "a"
    assert isinstance(outcomes[1], Refused)
    assert isinstance(outcomes[2], Refused)
    assert outcomes[3] == "b"


async def test_two_items_of_one_key_never_share_a_statement_and_keep_their_order(group: Batcher[str, str], statements: Statements) -> None:
    tasks = await depart(group, "k/1", "k/2", "other", "k/3")
    assert statements.groups == [["k/1"], ["other"]]
    statements.end(0)
    await settle()
    assert statements.groups[2] == ["k/2"]
    statements.end(1)
    statements.end(2)
    await settle()
    assert statements.groups[3] == ["k/3"]
    statements.end(3)
    assert await asyncio.gather(*tasks) == ["K/1", "K/2", "OTHER", "K/3"]


async def test_a_caller_that_leaves_takes_its_waiting_item_back_and_touches_no_other(
    group: Batcher[str, str], statements: Statements
) -> None:
    flying = await depart(group, "a", "b")
    waiting = [submit(group, item) for item in ("c", "d")]
    await settle()
    waiting[0].cancel()
    flying[0].cancel()
    await settle()
    statements.end(0)
    await settle()
    assert statements.groups[2] == ["d"]
    statements.end(1)
    statements.end(2)
    assert [await flying[1], await waiting[1]] == ["B", "D"]


async def test_an_item_whose_deadline_has_passed_is_not_written(group: Batcher[str, str], statements: Statements) -> None:
    flying = await depart(group, "a", "b")
    late = submit(group, "late", seconds=0)
    await settle()
    statements.end(0)
    with pytest.raises(TimeoutError):
        await late
    statements.end(1)
    await asyncio.gather(*flying)
    assert ["late"] not in statements.groups


async def test_a_group_has_the_latest_deadline_of_its_items(group: Batcher[str, str], statements: Statements) -> None:
    tasks = await depart(group, "a", "b")
    tasks += [submit(group, item, seconds) for item, seconds in (("c", 5), ("d", 50), ("e", 20))]
    await settle()
    statements.end(0)
    await settle()
    assert 40 < statements.deadlines[2] - time.monotonic() < 50
    statements.end(1)
    statements.end(2)
    await asyncio.gather(*tasks)


async def test_a_group_has_an_upper_size(group: Batcher[str, str], statements: Statements) -> None:
    tasks = [submit(group, str(number)) for number in range(LARGEST + 1)]
    await settle()
    assert [len(items) for items in statements.groups] == [LARGEST, 1]
    for task in tasks:
        task.cancel()


async def test_an_item_larger_than_a_batch_goes_alone(statements: Statements) -> None:
    group: Batcher[str, str] = Batcher(statements.write, in_flight=IN_FLIGHT, key=lambda item: item, size=len, largest=4)
    tasks = await depart(group, "a", "b", "ccc", "dd", "eeeeee", "f")
    for number in range(2):
        statements.end(number)
    await settle()
    assert statements.groups[2:] == [["ccc"], ["dd"]]
    for number in (2, 3):
        statements.end(number)
    await settle()
    assert statements.groups[4:] == [["eeeeee"], ["f"]]
    for number in (4, 5):
        statements.end(number)
    await asyncio.gather(*tasks)
