"""What becomes of requests that come faster than they can be answered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from loadtest import rest, rpc
from loadtest.generator import Load
from loadtest.scenario import CHANNELS, CREATE, CREATE_MESSAGE, CREATE_METHOD, WARM_UP, Measurement, measure_load, median_of
from loadtest.stored import Table
from local.stack import HOST, Stack

OFFERED = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0)  # parts of the capacity
_IN_FLIGHT = 4000  # at most
REFUSED = ("429", "RESOURCE_EXHAUSTED")


@dataclass(frozen=True)
class Api:
    """One of the two. `reference`: the scenario whose rate is called its capacity. `load`: creates, by the seconds of the window and the
    rate."""

    name: str
    title: str
    reference: str
    load: Callable[[Stack, float, float], Load]


def _rest(running: Stack, seconds: float, rate: float) -> Load:
    return rest.OpenLoop(HOST, running.ports.rest, [CREATE], _IN_FLIGHT, WARM_UP, seconds, rate)


def _grpc(running: Stack, seconds: float, rate: float) -> Load:
    return rpc.OpenLoop(running.grpc_target, CREATE_METHOD, CREATE_MESSAGE, CHANNELS, _IN_FLIGHT, WARM_UP, seconds, rate)


APIS = (Api("rest", "REST", "rest-create-256", _rest), Api("grpc", "gRPC", "grpc-create-64", _grpc))


@dataclass(frozen=True)
class Point:
    """Creates at one rate; all rates are a second. `refused`: told to wait. `failed`: in any other way, those not sent among them."""

    offered: float
    refused: float
    failed: float
    measured: Measurement

    @classmethod
    def of(cls, offered: float, measured: Measurement) -> "Point":
        each = offered / max(1, sum(measured.outcomes.values()))
        refused = sum(measured.errors.get(outcome, 0) for outcome in REFUSED)
        return cls(offered, refused * each, (sum(measured.errors.values()) - refused) * each, measured)


@dataclass(frozen=True)
class Curve:
    """`capacity`: creates a second when clients wait for their answers."""

    title: str
    capacity: float
    points: list[Point]

    @property
    def steadiness(self) -> float:
        """The least throughput of those offers that exceed every throughput, as a part of the highest; 1 is flat."""
        highest = max(point.measured.rate for point in self.points)
        return min((point.measured.rate for point in self.points if point.offered > highest), default=highest) / highest


def points(api: Api, capacity: float, running: Stack, table: Table, seconds: float) -> Iterator[Point]:
    """One round of the curve. Raises GeneratorFailed."""
    for part in OFFERED:
        table.fill(0)
        offered = capacity * part
        name, title = f"{api.name}-create-at-{part:g}", f"{api.title} create, {offered:,.0f} a second offered"
        yield Point.of(offered, measure_load(name, title, api.load(running, seconds, offered), running))


def curve(api: Api, capacity: float, rounds: list[list[Point]]) -> Curve:
    """Of the medians of rounds."""
    medians = [Point.of(same[0].offered, median_of([point.measured for point in same])) for same in zip(*rounds, strict=True)]
    return Curve(api.title, capacity, medians)
