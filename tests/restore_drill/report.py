"""What a drill has restored, and whether it is what was to be restored."""

from dataclasses import dataclass

from tests.database import Database
from tests.resilience.ledger import KEYS, ROWS, Ledger
from tests.restore_drill.moment import Moment


@dataclass(frozen=True)
class Report:
    """`seconds`: from the begin of the restore until the data could be read."""

    name: str
    moment: Moment
    ledger: Ledger  # at the load's end
    copy: Database
    seconds: float

    def check(self) -> str:
        """A line for people. Raises AssertionError where something is missing or too much."""
        verdict = self.moment.verdict(self.copy)
        assert verdict.clean, f"{self.name}: {verdict}"
        # The comparison can fail: of what came after the moment, nothing may be there.
        later = self.ledger.check(self.copy.rows(ROWS), self.copy.rows(KEYS))
        assert later.lost, f"{self.name}: nothing was written after the moment, so that it was not under load"
        known, asked = len(self.moment.known), len(self.moment.after)
        return (
            f"{self.name}: restored in {self.seconds:.1f} s; {known} of {asked} payments known exactly at its moment, all as they were; "
            f"{len(self.ledger.entries) - asked} asked for later, none there"
        )
