"""What is left to do of requests that are answered together is done together, after their answers."""

import asyncio

from prometheus_client import CollectorRegistry, Histogram

from process.histogram import GroupedHistogram
from process.settling import Settling


async def test_what_comes_in_one_turn_is_handed_on_together_after_what_that_turn_has_scheduled() -> None:
    seen: list[object] = []
    settling: Settling[int] = Settling(seen.append)
    for number in range(3):
        settling.add(number)
    asyncio.get_running_loop().call_soon(seen.append, "answer")
    await asyncio.sleep(0.01)
    settling.add(3)
    await asyncio.sleep(0.01)
    assert seen == ["answer", [0, 1, 2], [3]]


def test_values_that_enter_together_are_counted_as_prometheus_client_counts_them_one_by_one() -> None:
    amounts = [0.0, 0.5, 1.0, 1.0000001, 2.0, 7.0, 1e9]
    one, each = CollectorRegistry(), CollectorRegistry()
    single = Histogram("h", "help", buckets=(1, 2, 5), registry=one)
    grouped = GroupedHistogram("h", "help", buckets=(1, 2, 5), registry=each)
    for amount in amounts:
        single.observe(amount)
    grouped.observe_each(amounts, [(1.5, {"trace_id": "t"})])
    assert [metric.samples for metric in one.collect()] == [
        [sample._replace(exemplar=None) for sample in metric.samples] for metric in each.collect()
    ]
    exemplars = [sample.exemplar for metric in each.collect() for sample in metric.samples if sample.exemplar]
    assert [(exemplar.labels, exemplar.value) for exemplar in exemplars] == [({"trace_id": "t"}, 1.5)]
