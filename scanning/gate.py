"""Whether what was found lets a build go on."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from scanning.finding import GATE, Finding, Result
from scanning.register import Accepted, explained, unused

FOUND, OFFLINE = 1, 3


@dataclass(frozen=True)
class Verdict:
    """What of it stops a build: `unexplained`, `expired`, `unused` always, `not_looked_at` unless that was asked for."""

    results: Sequence[Result]
    unexplained: Sequence[Finding]
    accepted: Sequence[tuple[Finding, Accepted]]
    below: Sequence[Finding]
    expired: Sequence[Accepted]
    unused: Sequence[tuple[str, Accepted]]
    allow_offline: bool

    @property
    def not_looked_at(self) -> list[str]:
        return [missing for result in self.results for missing in result.not_looked_at]

    @property
    def exit_code(self) -> int:
        """0, FOUND, or OFFLINE: nothing was found, and something could not be looked at."""
        if self.unexplained or self.expired or self.unused:
            return FOUND
        return OFFLINE if self.not_looked_at and not self.allow_offline else 0


def judge(
    results: Sequence[Result], register: Sequence[Accepted], checks: Sequence[str], today: datetime.date, *, allow_offline: bool
) -> Verdict:
    """`checks` are what the ids of the checks that were run begin with; an exception for one of them has to find something."""
    findings = sorted({finding for result in results for finding in result.findings})
    covered = [(finding, explained(finding, register, today)) for finding in findings]
    return Verdict(
        results,
        unexplained=[finding for finding, why in covered if why is None and finding.severity >= GATE],
        accepted=[(finding, why) for finding, why in covered if why is not None],
        below=[finding for finding, why in covered if why is None and finding.severity < GATE],
        expired=[each for each in register if each.expired(today)],
        unused=unused(register, findings, checks),
        allow_offline=allow_offline,
    )
