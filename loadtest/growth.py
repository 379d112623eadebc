"""Whether a request costs more when more payments are stored."""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.scenario import Measurement, Scenario, create, get, measure, median_of, read, update
from loadtest.stored import Table
from local.stack import Stack

SIZES = (1_000, 100_000, 1_000_000)
MOST = 1.15  # what a request may cost, as a multiple of what it costs with the fewest payments

# Creates and updates come last, as they change the table.
_SCENARIOS = (
    Scenario("page", "Page of 100", read(16, "/list?page_size=100")),
    Scenario("page-inserted", "Page of 100 inserted ones", read(16, "/list?page_size=100&status=inserted")),
    Scenario("get", "Get", get(64)),
    Scenario("create", "Create", create(64)),
    Scenario("update", "Update", update(64)),
)


@dataclass(frozen=True)
class Size:
    """One scenario with so many payments stored. `ratio`: CPU a request, in all parts together, to that with the fewest."""

    stored: int
    ratio: float
    measured: Measurement


def round_of(sizes: tuple[int, ...], running: Stack, table: Table, seconds: float) -> Iterator[tuple[int, Measurement]]:
    """Every scenario at every size. Raises GeneratorFailed."""
    for stored in sizes:
        table.fill(stored)
        for scenario in _SCENARIOS:
            yield stored, measure(scenario, running, table, seconds)


def growth(measurements: list[tuple[int, Measurement]]) -> list[Size]:
    """Of the medians of rounds, by scenario and size."""
    by_kind: dict[tuple[str, int], list[Measurement]] = {}
    for stored, measurement in measurements:
        by_kind.setdefault((measurement.name, stored), []).append(measurement)
    medians = {kind: median_of(rounds) for kind, rounds in by_kind.items()}
    least = {name: medians[name, min(size for _, size in medians)].cpu_in_all for name, _ in medians}
    return [Size(stored, measured.cpu_in_all / least[name], measured) for (name, stored), measured in sorted(medians.items())]
