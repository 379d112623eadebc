"""What is measured, and the measuring of it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from loadtest import rest, rpc
from loadtest.cost import PARTS, Cost
from loadtest.generator import Load, generate
from loadtest.rest import request
from loadtest.stored import DATA, PAYMENT, Table
from loadtest.window import ACCEPTED
from local.stack import HOST, Stack
from payments.v1.payments_pb2 import CreatePaymentRequest

WARM_UP = 1.0  # seconds
CREATE = request("POST", "/create", f'{{"data":{DATA},"payment":{PAYMENT}}}'.encode())
CREATE_METHOD = "/payments.v1.PaymentService/CreatePayment"
CREATE_MESSAGE = CreatePaymentRequest(data=DATA, payment=PAYMENT).SerializeToString()
CHANNELS = 4  # connections to the server
_CHOICES = 50_000  # requests that are made beforehand, each to a payment chosen at random


@dataclass(frozen=True)
class Target:
    """What a load is made of: the service, ids of payments that are there, and the window's seconds."""

    running: Stack
    ids: Sequence[str]
    seconds: float


@dataclass(frozen=True)
class Scenario:
    """A load on the service with `stored` payments in its table."""

    name: str
    title: str
    load: Callable[[Target], Load]
    stored: int = 200


@dataclass(frozen=True)
class Measurement:
    """Figures of one scenario. `outcomes`: how many requests ended how. `cpu`: microseconds a request by part of the service. `resident`:
    MiB of server and gateway."""

    name: str
    title: str
    rate: float  # accepted requests a second
    p50: float | None  # milliseconds
    p99: float | None
    outcomes: dict[str, int]
    cpu: dict[str, float]
    resident_before: float
    resident_peak: float
    generator_cpu: float  # of one core

    @property
    def cpu_in_all(self) -> float:
        """Microseconds a request, in all parts together."""
        return sum(self.cpu.values())

    @property
    def errors(self) -> dict[str, int]:
        return {outcome: count for outcome, count in self.outcomes.items() if outcome not in ACCEPTED}


def scenarios() -> list[Scenario]:
    """Those of the benchmark."""
    return [
        *(Scenario(f"rest-create-{n}", f"REST create, {n} connection{'s' * (n > 1)}", create(n)) for n in (1, 64, 256)),
        Scenario("rest-update-64", "REST update, 64 connections", update(64)),
        Scenario("rest-get-64", "REST get, 64 connections", get(64)),
        Scenario("rest-list-2", "REST list of 20,000 payments, 2 connections", read(2, "/list"), stored=20_000),
        *(Scenario(f"grpc-create-{n}", f"gRPC create, {n} in flight", _grpc_create(n)) for n in (1, 64)),
    ]


def create(connections: int) -> Callable[[Target], Load]:
    return lambda target: _rest(target, connections, [CREATE])


def update(connections: int) -> Callable[[Target], Load]:
    """Of payments chosen at random."""

    def load(target: Target) -> Load:
        body = b'{"status":"consumed"}'
        return _rest(target, connections, [request("PUT", f"/update/{id}", body) for id in _chosen(target.ids)])

    return load


def get(connections: int) -> Callable[[Target], Load]:
    """Of payments chosen at random."""
    return lambda target: _rest(target, connections, [request("GET", f"/get/{id}") for id in _chosen(target.ids)])


def read(connections: int, path: str) -> Callable[[Target], Load]:
    return lambda target: _rest(target, connections, [request("GET", path)])


def _chosen(ids: Sequence[str]) -> list[str]:
    return random.choices(ids, k=_CHOICES)


def _rest(target: Target, connections: int, requests: list[bytes]) -> Load:
    return rest.ClosedLoop(HOST, target.running.ports.rest, requests, connections, WARM_UP, target.seconds)


def _grpc_create(in_flight: int) -> Callable[[Target], Load]:
    channels = min(CHANNELS, in_flight)
    return lambda target: rpc.ClosedLoop(
        target.running.grpc_target, CREATE_METHOD, CREATE_MESSAGE, channels, in_flight, WARM_UP, target.seconds
    )


def measure(scenario: Scenario, running: Stack, table: Table, seconds: float) -> Measurement:
    """One round of it, on the table as it is. Raises GeneratorFailed."""
    load = scenario.load(Target(running, table.ids(_CHOICES), seconds))
    return measure_load(scenario.name, scenario.title, load, running)


def measure_load(name: str, title: str, load: Load, running: Stack) -> Measurement:
    """Raises GeneratorFailed."""
    cost = Cost(running)
    answers = generate(load, cost)
    return Measurement(
        name=name,
        title=title,
        rate=answers.rate,
        p50=answers.p50,
        p99=answers.p99,
        outcomes=answers.outcomes,
        cpu={part: cost.cpu[part] * 1e6 / max(1, answers.answered) for part in PARTS},
        resident_before=cost.before,
        resident_peak=cost.peak,
        generator_cpu=answers.generator_cpu,
    )


def median_of(rounds: Sequence[Measurement]) -> Measurement:
    """Of each figure by itself; outcomes are added up."""
    first = rounds[0]
    outcomes = sorted({outcome for each in rounds for outcome in each.outcomes})
    return Measurement(
        name=first.name,
        title=first.title,
        rate=median(each.rate for each in rounds),
        p50=_median([each.p50 for each in rounds]),
        p99=_median([each.p99 for each in rounds]),
        outcomes={outcome: sum(each.outcomes.get(outcome, 0) for each in rounds) for outcome in outcomes},
        cpu={part: median(each.cpu[part] for each in rounds) for part in PARTS},
        resident_before=median(each.resident_before for each in rounds),
        resident_peak=max(each.resident_peak for each in rounds),
        generator_cpu=median(each.generator_cpu for each in rounds),
    )


def _median(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return median(known) if known else None
