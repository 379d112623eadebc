"""`make bench-observation`: what metrics and the log lines of requests cost, by stacks that run side by side with and without them."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import click

from loadtest.scenario import Measurement, Scenario, measure, median_of, scenarios
from loadtest.stored import Table
from local.stack import Stack, stack, temporary_folder
from process.listening import allow_connections

# Read by Python when it starts: every metric is there, and takes nothing down.
_NO_METRICS = """
import prometheus_client.metrics as metrics
for kind, names in ((metrics.Counter, ["inc"]), (metrics.Gauge, ["inc", "dec", "set"]), (metrics.Histogram, ["observe"])):
    for name in names:
        setattr(kind, name, lambda *values, **options: None)
"""
_LESS = {"PAYMENTS_SERVER_LOG_LEVEL": "warning", "PAYMENTS_GATEWAY_LOG_LEVEL": "warning"}
_SCENARIOS = ("rest-create-64", "grpc-create-64")


@dataclass(frozen=True)
class Variant:
    """A stack, and what it lacks."""

    title: str
    running: Stack
    table: Table


@click.command()
@click.option("--seconds", default=4.0, type=click.FloatRange(0.5), show_default=True, help="How long a stack is measured in a round.")
@click.option("--rounds", default=5, type=click.IntRange(1), show_default=True, help="Rounds over all of them; figures are medians.")
def main(seconds: float, rounds: int) -> None:
    """Measures creates with and without metrics and request lines, in turns."""
    allow_connections()
    with contextlib.ExitStack() as opened:
        silent = opened.enter_context(temporary_folder())
        (silent / "sitecustomize.py").write_text(_NO_METRICS)
        without = {"PYTHONPATH": str(silent)}
        variants = [
            opened.enter_context(_started(title, variables))
            for title, variables in (("all", {}), ("no metrics", without), ("no lines", _LESS), ("neither", without | _LESS))
        ]
        for scenario in (each for each in scenarios() if each.name in _SCENARIOS):
            _compare(scenario, variants, seconds, rounds)


@contextlib.contextmanager
def _started(title: str, variables: Mapping[str, str]) -> Iterator[Variant]:
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(temporary_folder())
        with _environment(variables):
            running = opened.enter_context(stack(folder))
        yield Variant(title, running, opened.enter_context(contextlib.closing(Table(running.database_url))))


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Of the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _compare(scenario: Scenario, variants: list[Variant], seconds: float, rounds: int) -> None:
    measured: dict[str, list[Measurement]] = {variant.title: [] for variant in variants}
    for _ in range(rounds):
        for variant in variants:
            variant.table.fill(scenario.stored)
            measured[variant.title].append(measure(scenario, variant.running, variant.table, seconds))
    click.echo(scenario.title)
    bare = measured["neither"]
    for title, found in measured.items():
        middle = median_of(found)
        # Round by round, as what else the machine does changes from round to round.
        share = median(one.rate / other.rate for one, other in zip(found, bare, strict=True))
        parts = ", ".join(f"{part} {microseconds:.0f}" for part, microseconds in middle.cpu.items())
        click.echo(f"  {title:<12} {middle.rate:8,.0f} a second, {share:6.1%} of neither; µs of CPU a request: {parts}")


if __name__ == "__main__":
    main()
