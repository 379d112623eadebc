"""`make bench`: measures the service on this machine, and writes and draws what it found."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from loadtest import charts, growth, machine, saturation
from loadtest.echo import SERVERS, measure_echo
from loadtest.limits import measure_limit
from loadtest.scenario import Measurement, Scenario, measure, median_of, scenarios
from loadtest.stored import Table
from loadtest.table import HEAD, line
from local.stack import CannotStart, Stack, stack, temporary_folder
from process.listening import allow_connections
from server.embedded import EmbeddedPostgresError

SCENARIOS = {scenario.name: scenario for scenario in scenarios()}
SATURATION = {f"{api.name}-saturation": api for api in saturation.APIS}
LIMITS = "limits"
COMPARED = "rest-create-256"  # with PostgreSQL alone
COMPARED_RPC = "grpc-create-64"  # with gRPC alone


@click.command()
@click.option(
    "--seconds", default=5.0, type=click.FloatRange(0.5), show_default=True, help="How long each thing is measured, in each round."
)
@click.option("--rounds", default=3, type=click.IntRange(1), show_default=True, help="Rounds over everything; figures are medians.")
@click.option(
    "--only", multiple=True, type=click.Choice([*SCENARIOS, *SATURATION, LIMITS]), help="Only this part; may be given more than once."
)
@click.option("--growth", "growing", is_flag=True, help="Measure CPU a request with few and many payments stored instead.")
@click.option("--out", default=Path("docs/performance"), show_default=True, type=click.Path(path_type=Path), help="Folder of the report.")
def main(seconds: float, rounds: int, only: tuple[str, ...], growing: bool, out: Path) -> None:
    """Measures throughput, latency and CPU a request, with PostgreSQL, server and gateway started for it. Ends with 1 where a scenario
    had errors."""
    if growing and only:
        raise click.UsageError("--growth has no parts: leave --only out")
    allow_connections()  # for the generator, which inherits it
    out.mkdir(parents=True, exist_ok=True)
    try:
        with temporary_folder() as folder, stack(folder) as running, contextlib.closing(Table(running.database_url)) as table:
            run = Run(running, table, seconds, rounds)
            measured = run.growth(out) if growing else run.bench(set(only), out)
    except (CannotStart, EmbeddedPostgresError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(any(measurement.errors for measurement in measured))


@dataclasses.dataclass
class Run:
    """One run of the benchmark."""

    running: Stack
    table: Table
    seconds: float
    rounds: int

    def bench(self, only: set[str], out: Path) -> list[Measurement]:
        """The scenarios' figures. `only`: the parts that are wanted; empty for all."""
        report = self._head()
        print(HEAD, flush=True)
        results = self._scenarios([scenario for name, scenario in SCENARIOS.items() if not only or name in only])
        if results:
            report["scenarios"] = [dataclasses.asdict(result) for result in results]
            charts.throughput(results, out / "throughput.svg")
            charts.cpu(results, out / "cpu.svg")
        for name, api in SATURATION.items():
            if not only or name in only:
                report[name] = self._saturation(api, self._reference(api.reference, results), out / f"{name}.svg")
        if not only or LIMITS in only:
            report[LIMITS] = self._limits(self._reference(COMPARED, results), self._reference(COMPARED_RPC, results))
        _write(report, out / "bench.json")
        return results

    def growth(self, out: Path) -> list[Measurement]:
        report = self._head()
        print(HEAD, flush=True)
        measurements = []
        for _ in range(self.rounds):
            for stored, measured in growth.round_of(growth.SIZES, self.running, self.table, self.seconds):
                print(line(f"{measured.title}, {stored:,} stored", measured), flush=True)
                measurements.append((stored, measured))
        sizes = growth.growth(measurements)
        report["growth"] = [dataclasses.asdict(size) for size in sizes]
        for size in sizes:
            if size.ratio > growth.MOST:
                print(f"{size.measured.title} costs {size.ratio:.2f} times as much with {size.stored:,} stored")
        charts.growth(sizes, out / "growth.svg")
        _write(report, out / "growth.json")
        return [size.measured for size in sizes]

    def _head(self) -> dict[str, Any]:
        return {"machine": machine.describe(self.table.version()), "seconds": self.seconds, "rounds": self.rounds}

    def _scenarios(self, chosen: list[Scenario]) -> list[Measurement]:
        measured: dict[str, list[Measurement]] = {scenario.name: [] for scenario in chosen}
        for _ in range(self.rounds):
            for scenario in chosen:
                measured[scenario.name].append(self._measure(scenario))
        return [median_of(rounds) for rounds in measured.values()]

    def _measure(self, scenario: Scenario) -> Measurement:
        self.table.fill(scenario.stored)
        measured = measure(scenario, self.running, self.table, self.seconds)
        print(line(measured.title, measured), flush=True)
        return measured

    def _reference(self, name: str, results: list[Measurement]) -> Measurement:
        """The figures of a scenario, which is measured where it is not among the results."""
        return next((result for result in results if result.name == name), None) or self._measure(SCENARIOS[name])

    def _saturation(self, api: saturation.Api, reference: Measurement, chart: Path) -> dict[str, Any]:
        curve = saturation.curve(api, reference.rate, [list(self._points(api, reference.rate)) for _ in range(self.rounds)])
        charts.saturation(curve, chart)
        print(f"Where more is offered than can be done, throughput is at least {curve.steadiness:.0%} of its highest.", flush=True)
        return dataclasses.asdict(curve) | {"steadiness": curve.steadiness}

    def _points(self, api: saturation.Api, capacity: float) -> Iterator[saturation.Point]:
        for point in saturation.points(api, capacity, self.running, self.table, self.seconds):
            print(line(point.measured.title, point.measured), flush=True)
            yield point

    def _limits(self, reference: Measurement, rpc_reference: Measurement) -> dict[str, Any]:
        self.table.fill(0)
        limit = measure_limit(self.running, self.seconds)
        rate, cpu = reference.rate / limit.rate, reference.cpu["PostgreSQL"] / limit.cpu
        print(f"pgbench, {limit.clients} clients: {limit.rate:,.0f} creates a second, {limit.cpu:.0f} µs of PostgreSQL's CPU each.")
        print(f"{reference.title}: {rate:.2f} times as many, at {cpu:.2f} of that CPU.", flush=True)
        echoes = {name: measure_echo(name, self.seconds) for name in SERVERS}
        for name, echo in echoes.items():
            print(f"A gRPC server that does nothing, of {name}: {echo.rate:,.0f} calls a second, {echo.cpu:.0f} µs of its CPU each.")
        rpc_cpu = {name: rpc_reference.cpu["server"] / echo.cpu for name, echo in echoes.items()}
        print(
            f"{rpc_reference.title}: " + ", ".join(f"{ratio:.2f} times the CPU of {name}'s" for name, ratio in rpc_cpu.items()), flush=True
        )
        return {
            "pgbench": dataclasses.asdict(limit),
            "compared": reference.name,
            "rate_ratio": rate,
            "postgresql_cpu_ratio": cpu,
            "grpc": {name: dataclasses.asdict(echo) for name, echo in echoes.items()},
            "grpc_compared": rpc_reference.name,
            "grpc_cpu_ratio": rpc_cpu,
        }


def _write(report: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
