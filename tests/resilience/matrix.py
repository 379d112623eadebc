"""The table of docs/reliability.md: a row for each fault, rewritten by the run that measured it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.resilience.fault import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- matrix: begin; `make resilience` writes what is between these -->", "<!-- matrix: end -->"
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
    before, _, rest = PAGE.read_text().partition(BEGIN)
    table, end, after = rest.partition(END)
    assert end, f"{PAGE} has no markers"
    stored = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line.startswith("| ") and line not in HEAD}
    stored |= rows
    lines = [BEGIN, "", *HEAD, *(stored[name] for name in order if name in stored), "", END]
    unfinished = PAGE.with_suffix(".unfinished")
    unfinished.write_text(before + "\n".join(lines) + after)
    os.replace(unfinished, PAGE)
