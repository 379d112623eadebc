"""An experiment: a hypothesis, the fault that tries it, what is measured meanwhile, and the verdict."""

import contextlib
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.resilience.api import Api
from tests.resilience.ledger import Ledger, Verdict
from tests.resilience.load import Load

BEFORE = 10.0  # seconds of load in which nothing may fail: else nothing could be said of what fails later
SETTLING = 30.0  # seconds for open outcomes after the load
# The objective for REST (monitoring/slo.py) allows so much of a month to fail.
BUDGET = 0.001 * 30 * 86_400  # seconds


class BadFile(ValueError):
    """The file is no experiment; str() says why."""


@dataclass(frozen=True)
class Experiment:
    """`fault`: its kind, and what that needs to know (tests/resilience/cluster/faults.py). `seconds`: how long it lasts. `after`: seconds of load after
    its end. `availability`: the least share of requests that has to succeed from its begin on. `gap`: the longest time without an answer, in
    seconds. `guard`: a longer one, which ends the fault at once. Nothing may ever be lost, doubled or untrue."""

    name: str
    hypothesis: str
    fault: Mapping[str, Any]
    seconds: float
    after: float
    availability: float
    gap: float
    guard: float


def read(path: Path) -> Experiment:
    """Raises BadFile."""
    try:
        table = tomllib.loads(path.read_text())
        unknown = set(table) ^ ({field.name for field in fields(Experiment)} - {"name"})
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: not known, or not there")
        found = Experiment(path.stem, **table)
        if not 0 <= found.availability <= 1 or not found.gap <= found.guard or "kind" not in found.fault:
            raise ValueError("availability is a share, the guard is not below the gap, and a fault has a kind")
    except (OSError, ValueError, TypeError) as error:
        raise BadFile(f"{path.name}: {error}") from error
    return found


@dataclass(frozen=True)
class Outcome:
    """What came of it. Times are in seconds; requests are those from the fault's begin on."""

    experiment: Experiment
    requests: int
    failed: int
    gap: float
    lasted: float  # from the fault's begin to the load's end
    aborted: bool  # by the guard
    verdict: Verdict

    @property
    def availability(self) -> float:
        return 1 - self.failed / max(1, self.requests)

    @property
    def spent(self) -> float:
        """The part of a month's error budget."""
        return (1 - self.availability) * self.lasted / BUDGET

    @property
    def broken(self) -> list[str]:
        """What the hypothesis was wrong about."""
        limits, verdict = self.experiment, self.verdict
        found = [*verdict.lost, *verdict.duplicated, *verdict.foreign, *verdict.contradicted, *verdict.untrue]
        if self.availability < limits.availability:
            found.append(f"availability {self.availability:.2%}, not {limits.availability:.2%}")
        if self.gap > limits.gap:
            found.append(f"no answer for {self.gap:.1f} s, not {limits.gap:g}")
        if self.aborted:
            found.append(f"the guard ended it: no answer for {limits.guard:g} s")
        return found


class Unsteady(Exception):
    """Requests failed before there was a fault."""


@dataclass
class Paced:
    """An API whose calls are not made faster than so many a second, as an ingress limits its clients' rate."""

    api: Api
    rate: float

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.api, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            begin = time.monotonic()
            try:
                return found(*arguments)
            finally:
                time.sleep(max(0.0, begin + 1 / self.rate - time.monotonic()))

        return call


Rows = Callable[[str], tuple[Iterable[tuple[Any, ...]], Iterable[tuple[Any, ...]]]]
Fault = Callable[[Mapping[str, Any]], contextlib.AbstractContextManager[None]]


def run(experiment: Experiment, fault: Fault, apis: Sequence[Api], rows: Rows, before: float = BEFORE) -> Outcome:
    """`fault`: breaks as it is entered, and repairs as it is left. `rows`: of payments and of keys, as the ledger selects them, whose keys
    begin so. Raises Unsteady, and what the fault raises; it is repaired even then."""
    ledger = Ledger()
    with Load(apis, ledger, SETTLING) as load:
        time.sleep(before)
        if ledger.failures or not ledger.writes:
            raise Unsteady(
                f"{len(ledger.failures)} requests failed before there was a fault, for one: {[*ledger.failures, (0, 'none')][0][1]}"
            )
        begin, answered = time.monotonic(), _answered(ledger)
        with fault(experiment.fault):
            aborted = _last(experiment.seconds, ledger, begin, experiment.guard)
        _last(experiment.after, ledger, begin, float("inf"))
        end = time.monotonic()
        requests, failed = _answered(ledger) - answered + len(ledger.failures), len(ledger.failures)
    payments, keys = rows(load.run)
    return Outcome(experiment, requests, failed, ledger.gap(begin, end), end - begin, aborted, ledger.check(payments, keys))


def _answered(ledger: Ledger) -> int:
    return sum(len(times) for times in ledger.successes.values())


def _last(seconds: float, ledger: Ledger, begin: float, guard: float) -> bool:
    """Waits so long, or until the guard's time has passed without an answer: whether that was."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        now = time.monotonic()
        if any(now - max([begin, *times[-1:]]) > guard for times in ledger.successes.values()):
            return True
    return False
