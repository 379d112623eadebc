"""What a copy of the database may hold that was taken at some moment of a load."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.database import Database
from tests.resilience.ledger import KEYS, ROWS, Entry, Ledger, Verdict


@dataclass
class Moment:
    """The ledger before the moment and after it: payments that nobody wrote of in between are known exactly.

    A write that was on its way is in the copy or not, as the ledger has it of every write whose outcome is unknown.
    """

    before: dict[str, Entry] = field(default_factory=dict)
    after: dict[str, Entry] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, Entry]:
        return {key: entry for key, entry in self.before.items() if self.after[key] == entry}

    def verdict(self, copy: Database) -> Verdict:
        """Acknowledged before the moment and not there is lost, asked for after it and there is foreign."""
        known = Ledger()
        known.entries = self.known
        unknown = self.after.keys() - known.entries.keys()
        return known.check(
            [row for row in copy.rows(ROWS) if row[1] not in unknown], [key for key in copy.rows(KEYS) if key[0] not in unknown]
        )


@contextmanager
def moment(ledger: Ledger) -> Iterator[Moment]:
    """The moment lies within the context."""
    taken = Moment(before=_copied(ledger))
    yield taken
    taken.after = _copied(ledger)


def _copied(ledger: Ledger) -> dict[str, Entry]:
    """Entries of running clients: each is true at any time, as clients note what they ask for first, and what was answered last."""
    return {key: copy.deepcopy(entry) for key, entry in list(ledger.entries.items())}
