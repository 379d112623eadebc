"""A histogram that many values enter at once."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from prometheus_client import Histogram
from prometheus_client.samples import Exemplar


class GroupedHistogram(Histogram):
    """prometheus_client's, which takes a lock twice and walks along the buckets for each value."""

    def observe_each(self, amounts: Sequence[float], exemplars: Sequence[tuple[float, dict[str, str]]] = ()) -> None:
        """The same as observing each; `exemplars`: some of the amounts, each with its own."""
        self._sum.inc(sum(amounts))
        for bucket, count in Counter([bisect_left(self._upper_bounds, amount) for amount in amounts]).items():
            self._buckets[bucket].inc(count)
        for amount, labels in exemplars:
            self._buckets[bisect_left(self._upper_bounds, amount)].set_exemplar(Exemplar(labels, amount, time.time()))
