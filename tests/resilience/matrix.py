"""The table of faults: a row for each, rewritten by the run that measured it."""

from collections.abc import Mapping, Sequence

from tests.resilience.fault import Outcome
from tests.resilience.page import PageTable

TABLE = PageTable("matrix", "make resilience")
HEAD = (
    "| fault | promise | writes | failed requests | longest gap | back after | lost | duplicated |",
    "|---|---|---|---|---|---|---|---|",
)


def row(outcome: Outcome) -> str:
    verdict = outcome.verdict
    measured = [f"{outcome.writes:,}", f"{outcome.failed:,}", _seconds(outcome.gap), _seconds(outcome.back)]
    counts = [str(len(verdict.lost)), str(len(verdict.duplicated))]
    return "| " + " | ".join([outcome.fault.name, outcome.fault.promise, *measured, *counts]) + " |"


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def keep(rows: Mapping[str, str], order: Sequence[str]) -> None:
    """Puts rows, by the names of their faults, into the page; the other rows of the faults in `order` stay."""
    stored = {line.split(" | ")[0].removeprefix("| "): line for line in TABLE.lines() if line not in HEAD} | rows
    TABLE.write([*HEAD, *(stored[name] for name in order if name in stored)])
