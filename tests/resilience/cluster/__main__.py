"""`make chaos`: every experiment in turn, on a context that was named and may be broken, with a verdict on each."""

import argparse
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg2

from loadtest.report import junit
from tests.e2e.deploy import refuse_clusters_of_clouds
from tests.e2e.service import HOST, Door, find_door, forwarded_database
from tests.resilience.api import Api, RestApi, Tls
from tests.resilience.cluster.experiment import BUDGET, Experiment, Outcome, Paced, read, run
from tests.resilience.cluster.faults import made
from tests.resilience.ledger import KEYS, ROWS

EXPERIMENTS = Path(__file__).with_name("experiments")
OUT = Path("build") / "chaos"
HEAD = [
    "| experiment | hypothesis | requests | failed | availability | of a month's budget | longest gap | lost | duplicated | verdict |",
    "|---|---|---|---|---|---|---|---|---|---|",
]
CLIENTS, RATE = 5, 8.0  # and their requests a second: together below the rate at which nginx refuses a client


def check_context(name: str) -> None:
    """Raises ValueError where it is not the current one, or its nodes are a cloud's."""
    found = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=False).stdout.strip()
    if found != name:
        raise ValueError(f"the current context is {found or 'not set'}, and {name} was named: nothing is broken")
    try:
        refuse_clusters_of_clouds()
    except AssertionError as error:
        raise ValueError(str(error)) from error


def clients(door: Door) -> list[Api]:
    tls = Tls(HOST, str(door.ca))
    # nginx closes idle connections when its configuration changes, which is no failure: hence one for each request.
    return [Paced(RestApi(door.address, keep=False, tls=tls), RATE) for _ in range(CLIENTS)]


def rows(load: str) -> tuple[Iterable[tuple[Any, ...]], Iterable[tuple[Any, ...]]]:
    """The load's own, by SQL as the database's administrator; then they are removed."""
    own = (f"{load}-%",)
    with forwarded_database() as url, psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"{ROWS} WHERE data->>'key' LIKE %s", own)
        payments = cursor.fetchall()
        cursor.execute(f"{KEYS} WHERE key LIKE %s", own)
        keys = cursor.fetchall()
        cursor.execute("DELETE FROM payments WHERE data->>'key' LIKE %s", own)
    return payments, keys


def row(outcome: Outcome) -> str:
    verdict = outcome.verdict
    cells = [
        outcome.experiment.name,
        outcome.experiment.hypothesis,
        f"{outcome.requests:,}",
        f"{outcome.failed:,}",
        f"{outcome.availability:.2%}",
        f"{outcome.spent:.2%}",
        f"{outcome.gap:.1f} s",
        str(len(verdict.lost)),
        str(len(verdict.duplicated)),
        "broken" if outcome.broken else "holds",
    ]
    return "| " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.cluster", description=__doc__)
    parser.add_argument("--context", required=True, help="the current context, named so that no other is broken by mistake")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only experiments whose names have one of these texts")
    given = parser.parse_args(arguments)
    try:
        check_context(given.context)
        found = [read(path) for path in sorted(EXPERIMENTS.glob("*.toml"))]
    except ValueError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    chosen = [each for each in found if not given.only or any(text in each.name for text in given.only)]
    lines, cases = list(HEAD), []
    with tempfile.TemporaryDirectory() as folder:
        for experiment in chosen:
            broken = _try(experiment, find_door(Path(folder)), lines)
            cases.append(junit.Case("experiment", experiment.name, experiment.seconds + experiment.after, "\n".join(broken)))
            for text in broken:
                print(f"BROKEN {experiment.name}: {text}", file=sys.stderr, flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "report.md").write_text("\n".join([f"A month's error budget is {BUDGET / 60:.0f} minutes.", "", *lines, ""]))
    (OUT / "junit.xml").write_text(junit.document("chaos", cases))
    print(f"{sum(not case.failure for case in cases)} of {len(cases)} hypotheses hold; the report: {OUT / 'report.md'}")
    return 1 if any(case.failure for case in cases) else 0


def _try(experiment: Experiment, door: Door, lines: list[str]) -> list[str]:
    """What is broken, if anything is."""
    try:
        outcome = run(experiment, lambda fault: made(fault, ca=str(door.ca)), clients(door), rows)
    except Exception:
        return [traceback.format_exc()]
    lines.append(row(outcome))
    print(lines[-1], flush=True)
    return outcome.broken


if __name__ == "__main__":
    sys.exit(main())
