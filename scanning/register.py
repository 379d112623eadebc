"""The exceptions: findings that were read and are meant, each for a time (scanning/exceptions.toml)."""

import datetime
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from scanning.finding import Finding

REGISTER = Path(__file__).with_name("exceptions.toml")
LONGEST = datetime.timedelta(days=400)


class InvalidRegister(Exception):
    """An exception lacks something, or would last for ever."""


@dataclass(frozen=True)
class Accepted:
    """One exception. `where` is a pattern of fnmatch; it holds up to and including the day `until`."""

    ids: tuple[str, ...]
    where: str
    reason: str
    until: datetime.date

    def covers(self, finding: Finding) -> bool:
        return finding.id in self.ids and fnmatchcase(finding.where, self.where)

    def expired(self, today: datetime.date) -> bool:
        return self.until < today


def read(file: Path, today: datetime.date) -> list[Accepted]:
    """Raises InvalidRegister."""
    return [_accepted(each, today) for each in tomllib.loads(file.read_text()).get("exception", [])]


def _accepted(entry: dict[str, object], today: datetime.date) -> Accepted:
    ids, where, reason, until = (entry.get(key) for key in ("ids", "where", "reason", "until"))
    if set(entry) != {"ids", "where", "reason", "until"} or not isinstance(ids, list) or not isinstance(until, datetime.date):
        raise InvalidRegister(f"an exception has ids, where, reason and until (a date), and nothing else: {entry}")
    if not isinstance(where, str) or not isinstance(reason, str) or len(reason) < 40:
        raise InvalidRegister(f"{ids}: a reason takes a sentence")
    if until > today + LONGEST:
        raise InvalidRegister(f"{ids}: no exception is for longer than {LONGEST.days} days; this one until {until}")
    return Accepted(tuple(map(str, ids)), where, reason, until)


def explained(finding: Finding, register: Iterable[Accepted], today: datetime.date) -> Accepted | None:
    """The exception that covers it and has not expired."""
    return next((each for each in register if each.covers(finding) and not each.expired(today)), None)


def unused(register: Iterable[Accepted], findings: Sequence[Finding], scanned: Sequence[str]) -> list[tuple[str, Accepted]]:
    """Ids that find nothing any longer, of checks whose ids begin with one of `scanned`: those that were run."""
    return [
        (identity, each)
        for each in register
        for identity in each.ids
        if identity.startswith(tuple(scanned))
        and not any(found.id == identity and fnmatchcase(found.where, each.where) for found in findings)
    ]
