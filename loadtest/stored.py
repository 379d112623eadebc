"""The payments that a scenario finds in the table."""

import psycopg2

# What a client creates, and what the table is filled with.
DATA = '{"customer":"c-1029","items":[{"sku":"A-17","quantity":2},{"sku":"B-4","quantity":1}],"note":"first"}'
PAYMENT = "1234.56"

# Ids as UUIDv7 has them, a millisecond apart from 2020 on, and so older than all that are made now. The older half is consumed, as it
# is where consumers take the oldest first.
_FILL = f"""INSERT INTO payments (id, status, data, payment)
SELECT (lpad(to_hex(1577836800000 + n), 12, '0') || '7' || lpad(to_hex(mod(n, 4096)), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid,
  CASE WHEN n <= %(count)s / 2 THEN 2 ELSE 1 END, '{DATA}', {PAYMENT}
FROM generate_series(1::bigint, %(count)s) AS n"""


class Table:
    """The service's table, over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def fill(self, count: int) -> None:
        """Takes out what is there and puts `count` payments in; then PostgreSQL knows the table and has nothing left to write."""
        with self._connection.cursor() as cursor:
            cursor.execute("TRUNCATE payments, idempotency_keys")
            cursor.execute(_FILL, {"count": count})
            cursor.execute("VACUUM ANALYZE payments")
            cursor.execute("CHECKPOINT")

    def ids(self, count: int) -> list[str]:
        """Of payments that are there, any `count` of them, or all where there are fewer."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT id::text FROM payments ORDER BY random() LIMIT %s", (count,))
            return [id for (id,) in cursor.fetchall()]

    def version(self) -> str:
        with self._connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchall()[0][0])

    def close(self) -> None:
        self._connection.close()
