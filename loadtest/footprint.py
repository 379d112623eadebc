"""`make footprint`: the bytes that a payment takes in the database and in its log, from creates over REST as fast as they are answered."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psycopg2

from loadtest import machine
from loadtest.generator import generate
from loadtest.scenario import Target, create
from loadtest.stored import DATA, Table
from local.stack import stack, temporary_folder
from process.listening import allow_connections

_CONNECTIONS = 64
_SIZES = """SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, pg_total_relation_size('payments'), count(*)
FROM payments"""


@dataclass(frozen=True)
class Footprint:
    """Bytes of one payment whose `data` has `document` of them. `stored`: table and indexes; `wal`: what is written, archived and sent to a
    standby."""

    payments: int
    document: int
    stored: float
    wal: float


class _Growth:
    """An observer of the database."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True
        self.before = self.after = (0, 0, 0)

    def _sizes(self) -> tuple[int, int, int]:
        with self._connection.cursor() as cursor:
            cursor.execute(_SIZES)
            wal, size, count = cursor.fetchall()[0]
            return int(wal), int(size), int(count)

    def begin(self) -> None:
        self.before = self._sizes()

    def sample(self) -> None:
        """Nothing changes that has to be seen meanwhile."""

    def end(self) -> None:
        self.after = self._sizes()

    def close(self) -> None:
        self._connection.close()


def measure(seconds: float) -> tuple[Footprint, dict[str, object]]:
    """And the machine."""
    with temporary_folder() as folder, stack(folder) as running, contextlib.closing(Table(running.database_url)) as table:
        table.fill(0)
        with contextlib.closing(_Growth(running.database_url)) as growth:
            generate(create(_CONNECTIONS)(Target(running, [], seconds)), growth)
        wal, stored, payments = (after - before for after, before in zip(growth.after, growth.before, strict=True))
        return Footprint(payments, len(DATA), stored / payments, wal / payments), machine.describe(table.version())


@click.command()
@click.option("--seconds", default=10.0, type=click.FloatRange(1), show_default=True, help="How long payments are created.")
@click.option("--out", default=Path("docs/testing/footprint.json"), show_default=True, type=click.Path(path_type=Path), help="The report.")
def main(seconds: float, out: Path) -> None:
    """Measures the bytes of a payment, with PostgreSQL, server and gateway started for it."""
    allow_connections()
    found, around = measure(seconds)
    out.write_text(json.dumps({"machine": around, **asdict(found)}, indent=1) + "\n")
    print(f"{found.payments:,} payments: {found.stored:.0f} bytes stored and {found.wal:.0f} bytes of WAL each")


if __name__ == "__main__":
    main()
