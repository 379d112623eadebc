"""Measures what the kind of id costs PostgreSQL: the primary key's size and the WAL written, for random and for time-ordered UUIDs.

Run it with `.venv/bin/python docs/decisions/evidence/id_locality.py`. It starts a PostgreSQL of its own and removes it again.
"""

import timeit
import uuid
from collections.abc import Callable

import psycopg2
from psycopg2.extras import execute_values
from scratch_database import scratch_database

from payments.v1 import uuid7

ROWS = 200_000
AT_ONCE = 1_000


def random_id() -> str:
    return str(uuid.uuid4())


def main() -> None:
    kinds: dict[str, Callable[[], str]] = {"random (v4)": random_id, "time-ordered (v7)": uuid7.new}
    with scratch_database() as url:
        connection = psycopg2.connect(url)
        connection.autocommit = True
        cursor = connection.cursor()
        for kind, new in kinds.items():
            cursor.execute("DROP TABLE IF EXISTS payment")
            cursor.execute("CREATE TABLE payment (id uuid PRIMARY KEY, amount numeric(7, 2))")
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_current_wal_lsn()")
            start = cursor.fetchall()[0][0]
            for _ in range(ROWS // AT_ONCE):
                execute_values(cursor, "INSERT INTO payment VALUES %s", [(new(), "12.34") for _ in range(AT_ONCE)], page_size=AT_ONCE)
            cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s), pg_relation_size('payment_pkey')", (start,))
            wal, index = cursor.fetchall()[0]
            cost = min(timeit.repeat(new, number=20_000, repeat=5)) / 20_000 * 1e6
            print(f"{kind}: index {index / 2**20:.1f} MiB, WAL {int(wal) / 2**20:.0f} MiB for {ROWS:,} rows; {cost:.2f} µs to make one")
        connection.close()


if __name__ == "__main__":
    main()
