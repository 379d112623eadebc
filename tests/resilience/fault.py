"""What a fault is, and the run of one: load, the fault, load again, and the ledger's verdict."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.resilience.ledger import Verdict
from tests.resilience.load import PATIENCE, Load
from tests.resilience.stage import PLAIN, Layout, Stage, until

WRITES = 500  # at least, for each fault
_BEFORE = 0.3  # part of the writes that comes before the fault
_AFTER = 1.0  # seconds of load after it, at least


@dataclass(frozen=True)
class Fault:
    """`strike` breaks something, watches what it must while it is broken, and repairs it. `promise`: for the matrix."""

    name: str
    promise: str
    strike: Callable[[Stage], None]
    layout: Layout = PLAIN
    back_within: float = 2.0  # seconds after the repair until both APIs answer
    unfailing: bool = False  # no request may fail


@dataclass(frozen=True)
class Outcome:
    """`gap`: the longest time in which one of the APIs answered nothing. Times are in seconds."""

    fault: Fault
    writes: int
    failed: int
    gap: float
    back: float
    verdict: Verdict

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        verdict = self.verdict
        found = [*verdict.lost, *verdict.duplicated, *verdict.foreign, *verdict.contradicted, *verdict.untrue]
        if self.back > self.fault.back_within:
            found.append(f"back after {self.back:.1f} s, not {self.fault.back_within:g}")
        if self.fault.unfailing and self.failed:
            found.append(f"{self.failed} requests failed, and none may")
        return found


def run(fault: Fault, stage: Stage, writes: int = WRITES) -> Outcome:
    """Raises whatever the fault's own watching finds."""
    stage.begin()
    begin = time.monotonic()
    with Load(stage.apis(), stage.ledger) as load:
        load.wait_for(int(writes * _BEFORE))
        fault.strike(stage)
        repaired = time.monotonic()
        load.wait_for(max(1, writes - stage.ledger.writes))
        until(lambda: math.isfinite(stage.ledger.back_after(repaired)), "both APIs answer again", PATIENCE)
        time.sleep(max(0.0, repaired + _AFTER - time.monotonic()))
    ledger = stage.ledger
    gap = ledger.gap(begin, max(max(times) for times in ledger.successes.values()))
    return Outcome(fault, ledger.writes, len(ledger.failures), gap, ledger.back_after(repaired), stage.verdict())
