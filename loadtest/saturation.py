"""What becomes of requests that come faster than they can be answered."""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.rest import OpenLoop
from loadtest.scenario import CREATE, WARM_UP, Measurement, measure_load, median_of
from loadtest.stored import Table
from local.stack import HOST, Stack

OFFERED = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0)  # parts of the capacity
_CONNECTIONS = 4000
_REFUSED = "429"


@dataclass(frozen=True)
class Point:
    """REST creates at one rate; all rates are a second. `refused`: with 429. `failed`: in any other way, those not sent among them."""

    offered: float
    refused: float
    failed: float
    measured: Measurement

    @classmethod
    def of(cls, offered: float, measured: Measurement) -> "Point":
        each = offered / max(1, sum(measured.outcomes.values()))
        refused = measured.errors.get(_REFUSED, 0)
        return cls(offered, refused * each, (sum(measured.errors.values()) - refused) * each, measured)


@dataclass(frozen=True)
class Curve:
    """`capacity`: creates a second when each connection waits for its answers."""

    capacity: float
    points: list[Point]

    @property
    def lowest_past_capacity(self) -> float:
        """The least throughput at offers beyond the capacity, as a part of the highest anywhere; 1 is flat."""
        highest = max(point.measured.rate for point in self.points)
        return min(point.measured.rate for point in self.points if point.offered > self.capacity) / highest


def points(capacity: float, running: Stack, table: Table, seconds: float) -> Iterator[Point]:
    """One round of the curve. Raises GeneratorFailed."""
    for part in OFFERED:
        table.fill(0)
        offered = capacity * part
        load = OpenLoop(HOST, running.ports.rest, [CREATE], _CONNECTIONS, WARM_UP, seconds, offered)
        yield Point.of(offered, measure_load(f"rest-create-at-{part:g}", f"REST create, {offered:,.0f} a second offered", load, running))


def curve(capacity: float, rounds: list[list[Point]]) -> Curve:
    """Of the medians of rounds."""
    return Curve(capacity, [Point.of(same[0].offered, median_of([point.measured for point in same])) for same in zip(*rounds, strict=True)])
