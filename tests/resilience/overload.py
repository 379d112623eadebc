"""`make overload`: twice the load that saturates the service, in an open loop, and ten times the connections, in a closed one. Throughput has to
stay, excess to be refused, health to answer, memory to be bounded, and all to be well a moment after."""

import argparse
import contextlib
import http.client
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from loadtest import rest, rpc
from loadtest.arrival import NOT_SENT
from loadtest.generator import Load
from loadtest.saturation import APIS, REFUSED, Api
from loadtest.scenario import CHANNELS, CREATE, CREATE_MESSAGE, CREATE_METHOD, WARM_UP, Measurement, measure_load
from loadtest.stored import Table
from local.stack import HOST, Stack, stack, temporary_folder
from process.listening import allow_connections
from tests.resilience.page import PageTable
from tests.resilience.stage import exchange

SECONDS = 30.0  # of each load
TABLE = PageTable("overload", "make overload")
HEAD = (
    "| load | accepted a second | of the peak | refused a second | failed | slowest health | MiB before → at most | back after |",
    "|---|---|---|---|---|---|---|---|",
)
_SATURATING = {"rest": 256, "grpc": 64}  # connections, calls in flight
_MORE = 10


@dataclass(frozen=True)
class Promise:
    """What a run has to keep, which a machine with other work can, too."""

    part: float = 0.5  # of the peak; 0.9 is what the page shows of a machine that has nothing else to do
    health: float = 5.0  # seconds
    back: float = 5.0  # seconds
    growth: float = 400.0  # MiB of server and gateway
    refuses: bool = True  # whether there has to be too much


@dataclass(frozen=True)
class Row:
    """What became of one load."""

    title: str
    measured: Measurement
    part: float  # of the peak
    refused: float  # a second
    failed: int  # in any other way than by being refused
    faults: list[str]  # of health
    health: float  # the slowest answer of any, in seconds
    back: float  # seconds from the load's end to the answer to a create

    def broken(self, promise: Promise) -> list[str]:
        growth = self.measured.resident_peak - self.measured.resident_before
        found = {
            f"{self.part:.0%} of the peak": self.part < promise.part,
            f"{self.failed} failed: {self.measured.errors} {self.faults[:3]}": self.failed > 0,
            f"health took {self.health:.1f} s": self.health > promise.health,
            f"back after {self.back:.1f} s": self.back > promise.back,
            f"{growth:.0f} MiB more": growth > promise.growth,
            "nothing was refused": promise.refuses and not self.refused,
        }
        return [f"{self.title}: {text}" for text, is_broken in found.items() if is_broken]

    def line(self) -> str:
        memory = f"{self.measured.resident_before:.0f} → {self.measured.resident_peak:.0f}"
        figures = [
            f"{self.measured.rate:,.0f}",
            f"{self.part:.0%}",
            f"{self.refused:,.0f}",
            str(self.failed),
            f"{self.health:.2f} s",
            memory,
        ]
        return "| " + " | ".join([self.title, *figures, f"{self.back:.2f} s"]) + " |"


class Health:
    """Asks for the service's health, over both APIs, again and again while the context lasts. Raises what an answer that is not good raises."""

    def __init__(self, running: Stack) -> None:
        self._running = running
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.slowest = 0.0
        self.faults: list[str] = []

    def _ask(self) -> None:
        with grpc.insecure_channel(self._running.grpc_target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = health_pb2_grpc.HealthStub(channel)

            def check() -> bool:
                return bool(stub.Check(health_pb2.HealthCheckRequest(), timeout=30).status == health_pb2.HealthCheckResponse.SERVING)

            asked: list[Callable[[], bool]] = [check, *(lambda path=path: self._get(path) for path in ("/status", "/livez"))]  # type: ignore[misc]
            while not self._ended.wait(0.2):
                for ask in asked:
                    begin = time.monotonic()
                    try:
                        if not ask():
                            self.faults.append(f"health {asked.index(ask)} is not good")
                    except (grpc.RpcError, OSError, http.client.HTTPException) as error:
                        self.faults.append(f"health {asked.index(ask)}: {error!r}")
                    self.slowest = max(self.slowest, time.monotonic() - begin)

    def _get(self, path: str) -> bool:
        return exchange((HOST, self._running.ports.rest), "GET", path, timeout=30)[0] == 200

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()


def closed(api: Api, running: Stack, seconds: float, times: int) -> Load:
    """`times` the connections that saturate the service, each with a request as soon as it has an answer."""
    count = _SATURATING[api.name] * times
    if api.name == "rest":
        return rest.ClosedLoop(HOST, running.ports.rest, [CREATE], count, WARM_UP, seconds)
    # Ten times the connections have the calls of as many clients each: 64 a connection, where one saturating client has 16.
    in_flight = count if times == 1 else count * 4
    return rpc.ClosedLoop(running.grpc_target, CREATE_METHOD, CREATE_MESSAGE, CHANNELS * times, in_flight, WARM_UP, seconds)


def rows(api: Api, running: Stack, table: Table, seconds: float) -> Iterator[Row]:
    """One for each load. The peak is measured before and after it, as other work on the machine comes and goes."""

    def peak() -> float:
        table.fill(0)
        return measure_load(f"{api.name}-peak", "peak", closed(api, running, seconds / 3, 1), running).rate

    before = peak()
    loads: dict[str, Callable[[], Load]] = {
        f"{api.title}, twice the peak, open loop": lambda: api.load(running, seconds, before * 2),
        f"{api.title}, {_MORE} times the connections, closed loop": lambda: closed(api, running, seconds, _MORE),
    }
    for title, load in loads.items():
        table.fill(0)
        with Health(running) as health:
            measured = measure_load(api.name, title, load(), running)
        back = _create(running)
        after = peak()
        part, before = measured.rate / ((before + after) / 2), after
        refused = sum(measured.outcomes.get(outcome, 0) for outcome in REFUSED)
        # What the generator has not sent, as too many of its own waited for refusals that are held back, has not failed.
        failed = sum(measured.errors.values()) - refused - measured.errors.get(NOT_SENT, 0) + len(health.faults)
        yield Row(title, measured, part, refused / seconds, failed, health.faults, health.slowest, back)


def _create(running: Stack) -> float:
    """Seconds until a create has been accepted."""
    begin = time.monotonic()
    while time.monotonic() < begin + 30:
        json = {"Content-Type": "application/json"}
        if exchange((HOST, running.ports.rest), "POST", "/create", '{"data":{},"payment":1}', json, timeout=30)[0] == 200:
            break
    return time.monotonic() - begin


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load (default: %(default)s)")
    seconds = parser.parse_args().seconds
    allow_connections()  # for the generator, which inherits it
    lines, broken = list(HEAD), []
    with temporary_folder() as folder, stack(folder) as running, contextlib.closing(Table(running.database_url)) as table:
        for api in APIS:
            for row in rows(api, running, table, seconds):
                lines.append(row.line())
                print(row.line(), flush=True)
                broken += row.broken(Promise())
    if seconds >= SECONDS:
        TABLE.write(lines)
    print("\n".join(broken) or "every promise kept", file=sys.stderr if broken else sys.stdout)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
