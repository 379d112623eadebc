"""The tables behind the API, read with SQL so that a test sees what was written and not what the API says of it."""

from typing import Any

import psycopg2
from psycopg2 import sql


class Database:
    """One autocommit connection to the stack's database."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url.replace("postgresql+psycopg2://", "postgresql://"))
        self.connection.autocommit = True

    def rows(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall()

    def execute(self, statement: str, *arguments: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, arguments)

    def tables(self) -> list[str]:
        """The tables that hold what clients sent."""
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename IN ('payments', 'idempotency_keys')")
        return sorted(name for (name,) in found)

    def fingerprint(self) -> dict[str, tuple[Any, ...]]:
        """Count and checksum of every table: equal before and after means that nothing was written."""
        statement = sql.SQL("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} AS t")
        with self.connection.cursor() as cursor:
            prints = {}
            for table in self.tables():
                cursor.execute(statement.format(sql.Identifier(table)))
                prints[table] = cursor.fetchone() or ()
            return prints

    def count(self) -> int:
        return int(self.rows("SELECT count(*) FROM payments")[0][0])

    def clear(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(",").join(map(sql.Identifier, self.tables()))))

    def close(self) -> None:
        self.connection.close()
